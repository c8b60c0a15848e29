/** Judges a run by its history alone. Its own tests are histories that it must refuse. */

import { decodeJob, recordId } from '../../src/broker/job-record.ts';
import { isWire } from './faults.ts';
import type { DumpEvent, Recorded } from './history.ts';
import { Model } from './model.ts';
import { checkRuns, runsOf } from './runs.ts';
import type { Invariant, Violation } from './violations.ts';
import { checkWorld } from './world-check.ts';

export interface CheckOptions {
  readonly leaseMs: number;
  /** Tasks of which a job may be dead, with the crashes it then must have. */
  readonly mayDie: Readonly<Record<string, number | null>>;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  /** Jobs stored by the producer and by schedules. */
  readonly jobs: number;
  readonly faults: number;
  readonly calls: number;
  readonly reclaims: number;
}

export function check(history: readonly Recorded[], { leaseMs, mayDie }: CheckOptions): Verdict {
  const violations: Violation[] = [];
  const report = (invariant: Invariant, t: number, text: string) =>
    void violations.push({ invariant, t, text });
  const model = new Model(leaseMs, report);
  let calls = 0;
  for (const event of history) {
    if (event.kind === 'call') {
      calls++;
      model.apply(event.call, event.sent, event.t);
    } else if (event.kind === 'snapshot') model.snapshot();
    else if (event.kind === 'rollback') model.rollback(event.to, event.t);
  }
  const sums = new Map(
    history.flatMap((event) => (event.kind === 'ask' ? [[event.tag, event.sum] as const] : [])),
  );
  const runs = runsOf(history, report);
  checkRuns(runs, history, model, sums, report);
  checkProducer(history, model, report);
  checkTicks(history, report);
  checkReclaims(history, model, leaseMs, report);
  checkWorld(history, report);
  checkComebacks(history, report);
  const dumps = history.filter((event) => event.kind === 'dump');
  const tasks = new Map(runs.map(({ id, task }) => [id, task]));
  for (const dump of dumps) checkDump(dump, model, { tasks, mayDie }, report);
  return {
    violations,
    jobs: model.stored.size,
    faults: history.filter(({ kind }) => kind === 'fault').length,
    calls,
    reclaims: model.reclaims.length,
  };
}

type Reporter = (invariant: Invariant, t: number, text: string) => void;

/** What the producer was told, against what Redis stored. */
function checkProducer(history: readonly Recorded[], model: Model, report: Reporter): void {
  const byTag = new Map([...model.jobs.values()].map((job) => [job.tag, job]));
  for (const event of history) {
    if (event.kind !== 'told') continue;
    const job = byTag.get(event.tag) ?? model.jobs.get(event.id ?? '');
    if (event.end === 'refused') {
      if (job !== undefined && job.place !== 'maybe' && !job.unsure)
        report('I1', event.t, `job ${job.id} (${event.tag}) was refused, but it was stored`);
      continue;
    }
    if (event.end === 'unknown') continue;
    const id = event.id ?? '';
    if (model.waived.has(id)) continue;
    if (job === undefined) {
      if (model.rollbacks === 0)
        report('I1', event.t, `job ${id} (${event.tag}) was acknowledged, but it was never stored`);
    }
  }
  // Whoever was told or not: what is stored must have ended.
  const end = history.at(-1)?.t ?? 0;
  if (!history.some(({ kind }) => kind === 'dump')) return;
  for (const job of model.jobs.values()) {
    if (job.place === 'waiting' && !job.unsure && job.tag !== null)
      report('I1', end, `job ${job.id} (${job.tag}) has not ended`);
    if (job.place === 'in_flight' && !job.unsure)
      report('I1', end, `job ${job.id} (${job.tag}) is still in flight`);
  }
}

const TICK_MS = 1_000;

function checkTicks(history: readonly Recorded[], report: Reporter): void {
  const last = new Map<string, number>();
  for (const event of history) {
    // A schedule that is lost begins anew; one that is brought back goes on from there.
    if (event.kind === 'rollback') last.clear();
    if (event.kind !== 'call' || event.call.verb !== 'fire' || event.call.reply === undefined) continue;
    const { queue, schedule, tick, reply } = event.call;
    if (reply.tick !== tick) continue;
    const name = `${queue}/${schedule}`;
    const before = last.get(name) ?? tick - TICK_MS;
    if (tick !== before && tick !== before + TICK_MS)
      report('I6', event.t, `after tick ${before} of ${name} came ${tick}`);
    last.set(name, tick);
  }
}

/** A lease that nobody proved dead is only taken where something kept its owner from renewing it. */
function checkReclaims(history: readonly Recorded[], model: Model, leaseMs: number, report: Reporter): void {
  const disturbed = history.filter(
    ({ kind }) => kind === 'fault' || kind === 'fault_over' || kind === 'rollback' || kind === 'daemon',
  );
  for (const { daemon, t, renewedAt } of model.reclaims) {
    if (!disturbed.some((event) => event.t > renewedAt - leaseMs && event.t < t))
      report('I3', t, `the lease of ${daemon} was taken though nothing had kept its owner from renewing it`);
  }
}

/** What a daemon may take to talk to its broker again once that is back. */
const COMEBACK_MS = 5_000;
const OUTAGES: ReadonlySet<string> = new Set(['stop_redis', 'kill_redis', 'lose_redis', 'blackhole']);

/** Every daemon that nothing else kept from it talks to the broker soon after an outage. */
function checkComebacks(history: readonly Recorded[], report: Reporter): void {
  const ends = history.filter((event) => event.kind === 'fault_over' && OUTAGES.has(event.action.do));
  for (const { t, ...over } of ends) {
    if (over.kind !== 'fault_over') continue;
    const after = history.filter((event) => event.t > t && event.t <= t + COMEBACK_MS);
    // Another fault, or the end of one, in this time tells nothing of this one.
    if (after.some(({ kind }) => kind === 'fault' || kind === 'fault_over' || kind === 'rollback')) continue;
    if ((history.at(-1)?.t ?? 0) < t + COMEBACK_MS || lasting(history, t) > 0) continue;
    for (const door of daemonsBetween(history, t, t + COMEBACK_MS)) {
      if (over.door !== '' && over.door !== door) continue;
      // Also by an error: a Redis that was restarted first says that it knows no script.
      const answered = after.some(
        (event) =>
          event.kind === 'call' &&
          event.door === door &&
          (event.call.reply !== undefined || event.call.error !== undefined),
      );
      if (!answered)
        report(
          'I9',
          t,
          `${door} has not talked to its broker ${COMEBACK_MS} ms after ${over.action.do} was over`,
        );
    }
  }
}

/** How many faults that last had begun and were not over at this time; equal ones wait for each other. */
function lasting(history: readonly Recorded[], at: number): number {
  const active: string[] = [];
  for (const event of history) {
    if (event.t > at) break;
    if (event.kind === 'fault' && (!isWire(event.action) || event.action.do === 'blackhole'))
      active.push(JSON.stringify(event.action));
    if (event.kind !== 'fault_over') continue;
    const over = active.indexOf(JSON.stringify(event.action));
    if (over >= 0) active.splice(over, 1);
  }
  return active.length;
}

/** Daemons that ran all this time, and before it. */
function daemonsBetween(history: readonly Recorded[], from: number, to: number): Set<string> {
  const running = new Set<string>();
  for (const event of history) {
    if (event.kind !== 'daemon' || event.t > to) continue;
    if (event.what === 'gone' || event.t > from - COMEBACK_MS) running.delete(event.name);
    else running.add(event.name);
  }
  return running;
}

function checkDump(
  dump: DumpEvent & { readonly t: number },
  model: Model,
  { tasks, mayDie }: { tasks: ReadonlyMap<string, string>; mayDie: CheckOptions['mayDie'] },
  report: Reporter,
): void {
  const { t, queue } = dump;
  const places = new Map<string, string[]>();
  const put = (id: string, place: string) => places.set(id, [...(places.get(id) ?? []), place]);
  for (const record of dump.waiting) put(recordId(record), 'waiting');
  for (const { token } of dump.inFlight) put(token.slice(0, 36), 'in flight');
  for (const record of dump.dead) put(recordId(record), 'dead');
  for (const [id, where] of places) {
    if (where.length > 1) report('I12', t, `job ${id} is in ${where.join(' and ')} of ${queue}`);
    const job = model.jobs.get(id);
    if (job?.place === 'ended' && !job.unsure && where[0] !== 'dead')
      report('I1', t, `job ${id} has ended (${job.end}) and is ${where[0]}`);
  }
  for (const { daemon, token } of dump.inFlight)
    if (!dump.leases.includes(daemon))
      report('I12', t, `${token} is in flight of ${daemon}, which has no lease`);
  for (const [key, id] of Object.entries(dump.unique)) {
    const where = places.get(id)?.[0];
    if (where === undefined || where === 'dead')
      report('I12', t, `unique key ${key} of ${queue} is held by ${id}, which does not live`);
  }
  if (dump.inFlight.length > 0)
    report(
      'I11',
      t,
      `${dump.inFlight.length} jobs of ${queue} are left in flight after all daemons have stopped`,
    );
  for (const key of dump.strayKeys) report('I14', t, `the key ${key} is left behind`);
  checkEnds(dump, model, report);
  for (const record of dump.dead) checkDead(record, t, model, tasks, mayDie, report);
}

/** Completed jobs leave a result where one was to be kept, and a count. */
function checkEnds(dump: DumpEvent & { readonly t: number }, model: Model, report: Reporter): void {
  const { t, queue, counters, results } = dump;
  const dead = new Set(dump.dead.map(recordId));
  let acked = 0;
  let doubtful = 0;
  for (const job of model.jobs.values()) {
    if (job.queue !== queue) continue;
    if (job.unsure || job.place === 'maybe') doubtful++;
    else if (job.end === 'ack') acked++;
    if (job.unsure || model.rollbacks > 0) continue;
    if (job.end === 'dead' && !dead.has(job.id))
      report('I1', t, `job ${job.id} died, but it is not among the dead of ${queue}`);
    const status = results[job.id];
    if (job.keepResult && job.end === 'ack' && status !== 'completed')
      report('I1', t, `job ${job.id} was acknowledged, its kept result: ${status ?? 'none'}`);
    if (job.end === 'ack' && dead.has(job.id)) report('I1', t, `job ${job.id} was acknowledged and is dead`);
  }
  if (model.rollbacks > 0) return;
  const stored = [...model.jobs.values()].filter(
    (job) => job.queue === queue && job.place !== 'maybe',
  ).length;
  const enqueued = counters['enqueued'] ?? 0;
  const completed = counters['completed'] ?? 0;
  if (enqueued < stored - doubtful || enqueued > stored + doubtful)
    report(
      'I4',
      t,
      `${queue} counts ${enqueued} stored jobs, the history ${stored}${doubtful > 0 ? ` ± ${doubtful}` : ''}`,
    );
  if (completed < acked || completed > acked + doubtful)
    report(
      'I2',
      t,
      `${queue} counts ${completed} completed jobs, the history ${acked}${doubtful > 0 ? ` + ${doubtful}` : ''}`,
    );
}

function checkDead(
  record: string,
  t: number,
  model: Model,
  tasks: ReadonlyMap<string, string>,
  mayDie: CheckOptions['mayDie'],
  report: Reporter,
): void {
  const { id, crashes, error } = decodeJob(record);
  const task = tasks.get(id) ?? 'none';
  const expected = mayDie[task];
  if (expected === undefined)
    report('I7', t, `job ${id} of task ${task} is dead: ${error?.message ?? 'no reason'}`);
  else if (expected !== null && crashes !== expected)
    report('I7', t, `job ${id} of task ${task} is dead after ${crashes} crashes, not ${expected}`);
  const counted = [...model.left].filter(
    ([token, { count }]) => token.startsWith(id) && count === 'crash',
  ).length;
  if (model.rollbacks === 0 && model.jobs.get(id)?.unsure === false && counted !== crashes)
    report('I7', t, `job ${id} has ${crashes} crashes in its record, ${counted} were counted`);
}
