/**
 * What travels over the store's socket: one JSON object a line. A client sends requests without waiting, the daemon
 * answers each when it is on disk, in any order.
 */

import { type JobState, PURGE_CHUNK, type PurgeState } from '../messages/operator.ts';
import type { StoreError, Verbs } from './messages.ts';

/** The verbs of a BrokerClient. */
export type SharedVerb =
  | 'enqueue'
  | 'results'
  | 'stats'
  | 'list'
  | 'find'
  | 'setPaused'
  | 'retry'
  | 'delete'
  | 'purge';

export type SocketRequest = {
  [V in SharedVerb]: {
    readonly id: number;
    readonly verb: V;
    readonly queue: string;
    readonly argument: Verbs[V][0];
  };
}[SharedVerb];

export type SocketReply = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: StoreError }
);

/** The longest line: a batch of 4 MiB in the worst JSON, or one very large job. */
export const LINE_LIMIT = 64 * 1024 * 1024;
const JOBS_LIMIT = 256;
const IDS_LIMIT = 10_000;

/** Null when the line is not a request that this daemon knows. */
export function parseRequest(line: string): SocketRequest | null {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isObject(request)) return null;
  const { id, verb, queue, argument } = request;
  if (typeof id !== 'number' || typeof queue !== 'string' || typeof verb !== 'string') return null;
  return ARGUMENTS.get(verb)?.(argument) ? (request as unknown as SocketRequest) : null;
}

const STATES: ReadonlySet<unknown> = new Set<JobState>(['ready', 'delayed', 'in_flight', 'dead']);

const PURGED_STATES: ReadonlySet<unknown> = new Set<PurgeState>(['ready', 'delayed', 'dead']);

const ARGUMENTS: ReadonlyMap<string, (argument: unknown) => boolean> = new Map<
  string,
  (argument: unknown) => boolean
>([
  ['enqueue', isBatch],
  [
    'results',
    (ids) => Array.isArray(ids) && ids.length <= IDS_LIMIT && ids.every((id) => typeof id === 'string'),
  ],
  ['stats', (nothing) => nothing === null],
  ['list', (request) => isObject(request) && STATES.has(request['state']) && isCount(request['limit'])],
  ['find', (id) => typeof id === 'string'],
  [
    'setPaused',
    (request) => isObject(request) && typeof request['paused'] === 'boolean' && isCount(request['version']),
  ],
  ['retry', isTarget],
  ['delete', (request) => isTarget(request) && isCount(request['resultTtlMs'])],
  ['purge', isPurge],
]);

function isBatch(batch: unknown): boolean {
  if (!isObject(batch)) return false;
  const { id, notAfterAt, jobs } = batch;
  return (
    typeof id === 'string' &&
    Number.isFinite(notAfterAt) &&
    Array.isArray(jobs) &&
    jobs.length <= JOBS_LIMIT &&
    jobs.every((job) => isObject(job) && typeof job['record'] === 'string' && Number.isFinite(job['delayMs']))
  );
}

function isTarget(request: unknown): request is Record<string, unknown> {
  return isObject(request) && typeof request['id'] === 'string' && isCount(request['claims']);
}

function isPurge(request: unknown): boolean {
  if (!isObject(request)) return false;
  const { id, notAfterAt, state, limit, resultTtlMs } = request;
  return (
    typeof id === 'string' &&
    Number.isFinite(notAfterAt) &&
    PURGED_STATES.has(state) &&
    isCount(limit) &&
    (limit as number) <= PURGE_CHUNK &&
    isCount(resultTtlMs)
  );
}

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
