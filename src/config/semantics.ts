/**
 * What is wrong between keys that are right by themselves. Takes the file's data before the schema has had its say, so
 * that one run finds everything; what has not the expected form is left to the schema.
 */

import { didYouMean } from '../lib/suggest.ts';
import { formatDuration, parseDuration } from '../lib/units.ts';
import { parseCron } from '../scheduler/cron.ts';
import { error, type Finding, show, warning } from './findings.ts';
import { type ConfigPath, valueAt } from './problem.ts';

/** Cores: what the machine can run at once. */
export function checkSemantics(data: unknown, cores: number): Finding[] {
  const owners = new Map<string, string>();
  return [
    ...checkQueueOwners(data, owners),
    ...checkQueueOptions(data, owners),
    ...checkRoutes(data, owners),
    ...checkSchedules(data, owners),
    ...checkWorkers(data, cores),
    ...checkRecycling(data),
  ];
}

/** The names of a socket address are so short. */
const SOCKET_PATH_LIMIT = 107;
/** The longest name of a socket in the control directory. */
const LONGEST_SOCKET = 'control.sock';

/** `directory` is absolute. */
export function checkControlDirectory(directory: string): Finding[] {
  const length = Buffer.byteLength(`${directory}/${LONGEST_SOCKET}`);
  if (length <= SOCKET_PATH_LIMIT) return [];
  const message = `the path of its socket would have ${length} bytes, the system allows ${SOCKET_PATH_LIMIT}: choose a shorter folder`;
  return [error(['control', 'directory'], message)];
}

/** Fills `owners`: queue → pool. */
function checkQueueOwners(data: unknown, owners: Map<string, string>): Finding[] {
  const findings: Finding[] = [];
  for (const [pool] of entriesAt(data, ['pools'])) {
    for (const [index, queue] of listAt(data, ['pools', pool, 'queues']).entries()) {
      if (typeof queue !== 'string') continue;
      const owner = owners.get(queue);
      if (owner === undefined) owners.set(queue, pool);
      else {
        const message =
          owner === pool
            ? `${show(queue)} stands here twice`
            : `${show(queue)} already belongs to pool ${owner}: a queue has one pool`;
        findings.push(error(['pools', pool, 'queues', index], message));
      }
    }
  }
  return findings;
}

function checkQueueOptions(data: unknown, owners: ReadonlyMap<string, string>): Finding[] {
  return entriesAt(data, ['queues'])
    .filter(([queue]) => !owners.has(queue))
    .map(([queue]) => error(['queues', queue], noPool(queue, owners), 'key'));
}

function checkRoutes(data: unknown, owners: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, number>();
  for (const index of listAt(data, ['routes']).keys()) {
    const task = valueAt(data, ['routes', index, 'task']);
    const queue = valueAt(data, ['routes', index, 'queue']);
    if (typeof queue === 'string' && !owners.has(queue)) {
      findings.push(error(['routes', index, 'queue'], noPool(queue, owners)));
    }
    if (typeof task !== 'string') continue;
    const earlier = seen.get(task) ?? seen.get('*');
    if (earlier === undefined) seen.set(task, index);
    else findings.push(error(['routes', index, 'task'], `never matches: routes[${earlier}] takes it first`));
  }
  return findings;
}

function checkWorkers(data: unknown, cores: number): Finding[] {
  return entriesAt(data, ['pools']).flatMap(([pool]) => {
    const kind = valueAt(data, ['pools', pool, 'kind']);
    const workers = valueAt(data, ['pools', pool, 'workers']);
    if (typeof workers !== 'number' || workers <= cores || kind !== 'process') return [];
    const message = `${workers} workers share ${cores} ${cores === 1 ? 'core' : 'cores'}: they wait for each other`;
    return [warning(['pools', pool, 'workers'], message)];
  });
}

function checkRecycling(data: unknown): Finding[] {
  return entriesAt(data, ['pools']).flatMap(([pool]) => {
    const kind = valueAt(data, ['pools', pool, 'kind']);
    const host = valueAt(data, ['pools', pool, 'host']) ?? 'thread';
    const path = ['pools', pool, 'recycle', 'max_rss'];
    if (kind !== 'async' || host !== 'thread' || valueAt(data, path) === undefined) return [];
    const message = 'a thread has no memory of its own to weigh: use host: process, or limit max_heap';
    return [error(path, message, 'key')];
  });
}

function checkSchedules(data: unknown, owners: ReadonlyMap<string, string>): Finding[] {
  return entriesAt(data, ['schedules']).flatMap(([schedule]) => {
    const path = ['schedules', schedule];
    const at = (key: string) => valueAt(data, [...path, key]);
    const findings = [...checkTime(path, at), ...checkMissed(path, at)];
    const queue = at('queue');
    if (typeof queue === 'string' && !owners.has(queue)) {
      findings.push(error([...path, 'queue'], noPool(queue, owners)));
    }
    return findings;
  });
}

type At = (key: string) => unknown;

function checkTime(path: ConfigPath, at: At): Finding[] {
  const [cron, timezone, every, jitter] = [at('cron'), at('timezone'), at('every'), at('jitter')];
  if (cron === undefined && every === undefined) return [error(path, 'needs cron or every', 'key')];
  if (cron !== undefined && every !== undefined) {
    return [error([...path, 'every'], 'a schedule has cron or every, not both', 'key')];
  }
  if (cron === undefined) {
    if (timezone !== undefined)
      return [error([...path, 'timezone'], 'goes with cron, not with every', 'key')];
    const [period, most] = [durationIn(every), durationIn(jitter)];
    if (period === null || most === null || most < period) return [];
    return [error([...path, 'jitter'], `must be shorter than every: ${show(every)}`)];
  }
  if (timezone === undefined) {
    return [error([...path, 'cron'], 'needs a timezone beside it, as in timezone: Europe/Paris', 'key')];
  }
  if (typeof cron !== 'string' || typeof timezone !== 'string') return [];
  const parsed = parseCron(cron, timezone);
  if ('ticks' in parsed) return checkCronJitter(path, durationIn(jitter), parsed);
  return [error([...path, parsed.part === 'timezone' ? 'timezone' : 'cron'], parsed.problem)];
}

/** Two ticks of a cron are a minute apart at least: most jitters need no look at them. */
const LEAST_GAP_MS = 60_000;

/** A tick whose jitter ends after the next one is due would be taken for missed. */
function checkCronJitter(
  path: ConfigPath,
  jitterMs: number | null,
  cron: { shortestGapMs(): number },
): Finding[] {
  if (jitterMs === null || jitterMs < LEAST_GAP_MS) return [];
  const gap = cron.shortestGapMs();
  if (jitterMs < gap) return [];
  const message = `must be shorter than ${formatDuration(gap)}, the shortest time between two of its ticks`;
  return [error([...path, 'jitter'], message)];
}

/** With `skip`, which is the default, the second job would meet the first, which still waits. */
function checkMissed(path: ConfigPath, at: At): Finding[] {
  if (at('missed') !== 'all' || at('overlap') === 'allow') return [];
  return [error([...path, 'missed'], 'all needs overlap: allow: jobs that are caught up with live at once')];
}

const durationIn = (value: unknown): number | null =>
  typeof value === 'string' ? parseDuration(value) : null;

function noPool(queue: string, owners: ReadonlyMap<string, string>): string {
  const near = didYouMean(queue, owners.keys());
  return `no pool serves ${show(queue)}${near === '' ? ': add it to the queues of a pool' : near}`;
}

function entriesAt(data: unknown, path: ConfigPath): [string, unknown][] {
  const value = valueAt(data, path);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

function listAt(data: unknown, path: ConfigPath): unknown[] {
  const value = valueAt(data, path);
  return Array.isArray(value) ? value : [];
}
