/**
 * The names of a queue's keys. One hash tag per queue: all keys of a queue lie in one slot of a Redis Cluster, and the
 * queues of a namespace spread over its nodes. No other file knows a name.
 */
export interface QueueKeys {
  /** list of one: present when there is probably something to claim */
  readonly wake: string;
  /** hash: schema version, epoch, highest time seen, counters */
  readonly meta: string;
  /** zset: daemon by the deadline of its lease, -1 while it is being taken */
  readonly leases: string;
  /** zset: record by the time it is due */
  readonly delayed: string;
  /** zset: record by the time it died */
  readonly dead: string;
  /** hash: unique key to the id of its live job */
  readonly unique: string;
  /** hash: schedule to its last tick, and the id of the job that held that tick's unique key */
  readonly schedules: string;
  /** list: what was found in place of a record */
  readonly quarantine: string;
  /** list: records that must run alone */
  readonly suspects: string;
  /** lists: records of a priority, the oldest first */
  readonly ready: readonly string[];
  /** hash by daemon: token to record */
  readonly inFlightPrefix: string;
  /** string by id: a kept result */
  readonly resultPrefix: string;
  /** hash: per lane the last number and its answer; after the end a tombstone */
  session(daemon: string): string;
  inFlight(daemon: string): string;
  /** hash: token to unique key, of those jobs in flight that have one, so that a plain ack needs no record */
  held(daemon: string): string;
  /** string: the answer to a batch that was stored */
  batch(id: string): string;
  result(id: string): string;
}

/** The version of what these keys hold; another one in `meta` is not touched. */
export const SCHEMA = '1';

const PRIORITIES = 10;

export function queueKeys(namespace: string, queue: string): QueueKeys {
  const prefix = `fl:{${namespace}:${queue}}:`;
  const [inFlightPrefix, resultPrefix] = [`${prefix}inflight:`, `${prefix}result:`];
  return {
    wake: `${prefix}wake`,
    meta: `${prefix}meta`,
    leases: `${prefix}leases`,
    delayed: `${prefix}delayed`,
    dead: `${prefix}dead`,
    unique: `${prefix}unique`,
    schedules: `${prefix}schedules`,
    quarantine: `${prefix}quarantine`,
    suspects: `${prefix}suspects`,
    ready: Array.from({ length: PRIORITIES }, (_, priority) => `${prefix}ready:${priority}`),
    inFlightPrefix,
    resultPrefix,
    session: (daemon) => `${prefix}session:${daemon}`,
    inFlight: (daemon) => inFlightPrefix + daemon,
    held: (daemon) => `${prefix}held:${daemon}`,
    batch: (id) => `${prefix}batch:${id}`,
    result: (id) => resultPrefix + id,
  };
}

/** The type that each key of a queue must have, to name the one that has another. */
export function expectedTypes(
  keys: QueueKeys,
  daemon?: string,
): readonly (readonly [key: string, type: string])[] {
  const ofDaemon =
    daemon === undefined ? [] : [keys.session(daemon), keys.inFlight(daemon), keys.held(daemon)];
  return [
    ...[keys.wake, keys.quarantine, keys.suspects, ...keys.ready].map((key) => [key, 'list'] as const),
    ...[keys.meta, keys.unique, keys.schedules, ...ofDaemon].map((key) => [key, 'hash'] as const),
    ...[keys.leases, keys.delayed, keys.dead].map((key) => [key, 'zset'] as const),
  ];
}
