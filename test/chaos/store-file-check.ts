/** What the files of embedded stores hold in the end, against what was asked for and what ran. */

import { decodeJob, recordId } from '../../src/broker/job-record.ts';
import type { DumpEvent, Recorded } from './history.ts';
import type { Account } from './store-checker.ts';
import type { Report } from './violations.ts';

type Dump = DumpEvent & { readonly t: number };

export function checkFiles(
  account: Account,
  mayDie: Readonly<Record<string, number | null>>,
  report: Report,
): void {
  const dumps = account.history.filter((event) => event.kind === 'dump');
  if (dumps.length === 0) return;
  const places = placesOf(dumps, report);
  for (const dump of dumps) {
    checkQueue(dump, places, report);
    for (const record of dump.dead) checkDead(record, dump.t, account, mayDie, report);
  }
  checkEnds(account, dumps, places, report);
  checkCounters(account, dumps, places, report);
  checkTicks(account, report);
}

function placesOf(dumps: readonly Dump[], report: Report): Map<string, string> {
  const places = new Map<string, string>();
  const put = (record: string, place: string, t: number) => {
    const id = recordId(record);
    const other = places.get(id);
    if (other !== undefined) report('I12', t, `job ${id} is ${other} and ${place}`);
    places.set(id, place);
  };
  for (const { waiting, inFlight, dead, t } of dumps) {
    for (const record of waiting) put(record, 'waiting', t);
    for (const { record } of inFlight) put(record, 'in flight', t);
    for (const record of dead) put(record, 'dead', t);
  }
  return places;
}

function checkQueue(
  { t, queue, inFlight, unique }: Dump,
  places: ReadonlyMap<string, string>,
  report: Report,
): void {
  if (inFlight.length > 0)
    report('I11', t, `${inFlight.length} jobs of ${queue} are left in flight after all daemons have stopped`);
  for (const [key, id] of Object.entries(unique)) {
    const place = places.get(id);
    if (place === undefined || place === 'dead')
      report('I12', t, `unique key ${key} of ${queue} is held by ${id}, which does not live`);
  }
}

/** A crash takes a process with it; only some tasks may die, after so many. */
function checkDead(
  record: string,
  t: number,
  { runs }: Account,
  mayDie: Readonly<Record<string, number | null>>,
  report: Report,
): void {
  const { id, task, crashes, error } = decodeJob(record);
  const expected = mayDie[task];
  if (expected === undefined)
    report('I7', t, `job ${id} of task ${task} is dead: ${error?.message ?? 'no reason'}`);
  else if (expected !== null && crashes !== expected)
    report('I7', t, `job ${id} of task ${task} is dead after ${crashes} crashes, not ${expected}`);
  const deaths = (runs.get(id) ?? []).filter(({ how }) => how === 'died').length;
  if (crashes > deaths)
    report('I7', t, `job ${id} has ${crashes} crashes in its record, ${deaths} of its runs died`);
}

/** Whoever was told that its job is stored finds it in the file, or it ran to its end. */
function checkEnds(
  { runs, orders }: Account,
  dumps: readonly Dump[],
  places: ReadonlyMap<string, string>,
  report: Report,
): void {
  const t = dumps.at(-1)?.t ?? 0;
  const results = new Map(dumps.flatMap((dump) => Object.entries(dump.results)));
  const records = dumps.flatMap(({ waiting, inFlight }) => [
    ...waiting,
    ...inFlight.map(({ record }) => record),
  ]);
  for (const record of records)
    if (decodeJob(record).input.includes('"tag":')) report('I1', t, `job ${recordId(record)} has not ended`);
  const expected = new Map<string, string>();
  for (const [id, ofJob] of runs) expected.set(id, ofJob[0]?.tag ?? 'a schedule');
  for (const { ask, told } of orders.values())
    if (told?.end === 'stored' && told.id !== undefined) expected.set(told.id, ask.tag);
  for (const [id, tag] of expected) {
    if (places.has(id)) continue;
    const last = runs.get(id)?.at(-1);
    if (last?.how !== 'end')
      report('I1', t, `job ${id} (${tag}) is gone, its last run: ${last?.how ?? 'none'}`);
    else if (orders.get(tag)?.ask.keepResult === true && results.get(id) !== 'completed')
      report('I1', t, `job ${id} (${tag}) has ended, its kept result: ${results.get(id) ?? 'none'}`);
  }
}

/** Each stored job is counted once, and so is its end. */
function checkCounters(
  { runs, orders }: Account,
  dumps: readonly Dump[],
  places: ReadonlyMap<string, string>,
  report: Report,
): void {
  const t = dumps.at(-1)?.t ?? 0;
  const sum = (name: string) => dumps.reduce((all, { counters }) => all + (counters[name] ?? 0), 0);
  const ids = new Set([...runs.keys(), ...places.keys()]);
  for (const { told } of orders.values()) if (told?.end === 'stored') ids.add(told.id ?? '');
  const ended = [...runs].filter(([id, ofJob]) => !places.has(id) && ofJob.at(-1)?.how === 'end').length;
  const dead = [...places.values()].filter((place) => place === 'dead').length;
  if (sum('enqueued') !== ids.size)
    report('I4', t, `the files count ${sum('enqueued')} stored jobs, the history ${ids.size}`);
  if (sum('completed') !== ended)
    report('I2', t, `the files count ${sum('completed')} completed jobs, the history ${ended}`);
  if (sum('dead') !== dead) report('I2', t, `the files count ${sum('dead')} dead jobs, they hold ${dead}`);
}

const TICK_MS = 1_000;
/** The time in the first 48 bits of a UUIDv7. */
const bornAt = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** Each second one job; the one that is being fired while the daemon is asked may count or not. */
function checkTicks({ history, runs }: Account, report: Report): void {
  const asked = history.filter((event) => event.kind === 'ticks');
  const files = new Map(fileEvents(history).map((file) => [file.name, file]));
  for (const file of files.values()) {
    if (file.damage !== null) report('I12', file.t, `the file of ${file.name} is damaged: ${file.damage}`);
    if (file.strays > 0) report('I14', file.t, `${file.strays} rows of ${file.name} belong to no job`);
  }
  let [ticks, schedules] = [0, 0];
  for (const { name, reached } of asked) {
    for (const [schedule, from] of Object.entries(reached)) {
      ticks += ((files.get(name)?.ticks[schedule] ?? from) - from) / TICK_MS;
      schedules++;
    }
  }
  const from = Math.max(...asked.map(({ at }) => at), 0);
  const waiting = history.flatMap((event) => (event.kind === 'dump' ? event.waiting : [])).map(recordId);
  const tickless = [...runs].filter(([, [first]]) => first?.tag === null).map(([id]) => id);
  const fired = new Set([...tickless, ...waiting].filter((id) => bornAt(id) > from)).size;
  if (Math.abs(fired - ticks) > schedules * asked.length)
    report('I6', history.at(-1)?.t ?? 0, `${ticks} ticks have passed, ${fired} were fired`);
}

const fileEvents = (history: readonly Recorded[]) => history.filter((event) => event.kind === 'file');
