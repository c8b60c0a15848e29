import type { Clock } from '../../lib/clock.ts';
import type { NewId } from '../../lib/ids.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Random } from '../../lib/random.ts';
import {
  BATCH_BYTES_LIMIT,
  type Broker,
  BrokerError,
  type EnqueueBatch,
  type EnqueueReply,
  type ExchangeReply,
  type ExchangeRequest,
  type FireReply,
  type FireRequest,
  type HeartbeatReply,
  type ListRequest,
  type PauseRequest,
  type QueuePause,
  type QueueStats,
  type ReclaimReply,
  type ReclaimRequest,
  type ResyncReply,
  type ResyncRequest,
  type StoredJob,
  type SweepReply,
  WATERMARK_AHEAD_MS,
  type WatermarkReply,
} from '../broker.ts';
import { Connection } from './connection.ts';
import {
  decodeEnqueue,
  decodeExchange,
  decodeFind,
  decodeFire,
  decodeHeartbeat,
  decodeList,
  decodeOpen,
  decodePause,
  decodeReclaim,
  decodeResync,
  decodeStats,
  decodeSweep,
  decodeWatermark,
} from './decode.ts';
import { type Call, encodeEnqueue, encodeExchange, encodeFire, wholeMs } from './encode.ts';
import { wrongType } from './errors.ts';
import { checkFitness } from './fitness.ts';
import { expectedTypes, type QueueKeys, queueKeys, SCHEMA } from './keys.ts';
import type { Link, Reply } from './link.ts';
import { Scripts, type Verb } from './scripts.ts';
import { Waiter } from './waiter.ts';

/** How long an id whose session has ended is refused. */
const TOMBSTONE_MS = 3_600_000;
/** The most jobs that one call of `reclaim` moves: a script of 1,000 blocks Redis for 1 to 2 ms. */
const RECLAIM_CHUNK = 1_000;
/** The most entries that one call of `find` looks at. */
const FIND_CHUNK = 2_000;

export interface RedisBrokerOptions {
  /** `redis://host:port/db` or `rediss://`. */
  readonly url: string;
  /** Instead of one in the url. Asked for by each connection. */
  readonly password?: (() => Promise<string | undefined>) | undefined;
  /** Keeps the queues of one application apart from those of another on the same server. */
  readonly namespace: string;
  /** Within this every call ends, answered or not. */
  readonly callDeadlineMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: NewId;
  readonly log: Logger;
}

/** What carries calls to the server: a Connection, or what a test puts in its place. */
export type Caller = Pick<Connection, 'up' | 'start' | 'call' | 'run' | 'close'>;

/** The broker on a Redis server: each verb is one script on one queue's keys. */
export class RedisBroker implements Broker {
  readonly type = 'redis';
  readonly #options: RedisBrokerOptions;
  readonly #scripts: Scripts;
  readonly #connection: Caller;
  readonly #waiter: Waiter;
  readonly #keys = new Map<string, QueueKeys>();

  constructor(options: RedisBrokerOptions, scripts: Scripts = new Scripts(), caller?: Caller) {
    this.#options = options;
    this.#scripts = scripts;
    this.#connection = caller ?? new Connection({ ...options, check: (link) => this.#checkServer(link) });
    this.#waiter = new Waiter({ ...options, command: (verb, args) => this.#connection.call(verb, args) });
  }

  get up(): boolean {
    return this.#connection.up;
  }

  async start(): Promise<void> {
    const failure = await this.#connection.start();
    if (failure?.code !== 'ERR_BROKER_UNFIT') return;
    await this.close();
    throw failure;
  }

  async enqueue(queue: string, batch: EnqueueBatch): Promise<EnqueueReply> {
    const call = encodeEnqueue(this.#of(queue), batch, this.#options.newId());
    return decodeEnqueue(await this.#run('enqueue', queue, call), batch.jobs.length);
  }

  async results(queue: string, ids: readonly string[]): Promise<readonly (string | null)[]> {
    if (ids.length === 0) return [];
    const keys = this.#of(queue);
    const reply = await this.#connection.call('results', ['MGET', ...ids.map((id) => keys.result(id))]);
    return reply as readonly (string | null)[];
  }

  async stats(queue: string): Promise<QueueStats> {
    const { leases, meta, delayed, dead, suspects, ready, inFlightPrefix } = this.#of(queue);
    const keys = [leases, meta, delayed, dead, suspects, ...ready];
    return decodeStats(await this.#run('stats', queue, { keys, args: [inFlightPrefix] }), queue);
  }

  async list(queue: string, { state, limit }: ListRequest): Promise<readonly StoredJob[]> {
    const { leases, delayed, dead, suspects, ready, inFlightPrefix } = this.#of(queue);
    const keys = [leases, delayed, dead, suspects, ...ready];
    const args = [state, String(limit), String(BATCH_BYTES_LIMIT), inFlightPrefix];
    return decodeList(await this.#run('list', queue, { keys, args }), state);
  }

  async find(queue: string, id: string): Promise<StoredJob | null> {
    // A search of several calls can be passed by a job that goes back meanwhile: it looks twice before it says no.
    for (let pass = 0; pass < 2; pass++) {
      const { job, calls } = await this.#search(queue, id);
      if (job !== null || calls === 1) return job;
    }
    return null;
  }

  async setPaused(queue: string, { paused, version }: PauseRequest): Promise<QueuePause> {
    const { meta, wake } = this.#of(queue);
    const args = [paused ? '1' : '0', String(version), SCHEMA, this.#options.newId()];
    return decodePause(await this.#run('pause', queue, { keys: [meta, wake], args }));
  }

  async open(queue: string, { daemon, leaseMs }: { daemon: string; leaseMs: number }) {
    const { leases, session, meta } = this.#of(queue);
    const keys = [leases, session(daemon), meta];
    const args = [daemon, wholeMs(leaseMs), SCHEMA, this.#options.newId()];
    return decodeOpen(await this.#run('open', queue, { keys, args }, daemon));
  }

  async exchange(queue: string, request: ExchangeRequest): Promise<ExchangeReply> {
    const call = encodeExchange(this.#of(queue), request);
    return decodeExchange(await this.#run('exchange', queue, call, request.daemon));
  }

  async heartbeat(
    queue: string,
    { daemon, leaseMs }: { daemon: string; leaseMs: number },
  ): Promise<HeartbeatReply> {
    const { leases, session, inFlight, meta } = this.#of(queue);
    const keys = [leases, session(daemon), inFlight(daemon), meta];
    const args = [daemon, wholeMs(leaseMs)];
    return decodeHeartbeat(await this.#run('heartbeat', queue, { keys, args }, daemon));
  }

  async resync(queue: string, { daemon, leaseMs, numbers }: ResyncRequest): Promise<ResyncReply> {
    const { leases, session, inFlight, held, quarantine } = this.#of(queue);
    const keys = [leases, session(daemon), inFlight(daemon), held(daemon), quarantine];
    const args = [daemon, wholeMs(leaseMs), ...numbers.map(String)];
    return decodeResync(await this.#run('resync', queue, { keys, args }, daemon));
  }

  async closeSession(queue: string, { daemon }: { daemon: string }): Promise<void> {
    const { leases, session, inFlight, held } = this.#of(queue);
    const keys = [leases, session(daemon), inFlight(daemon), held(daemon)];
    await this.#run('close', queue, { keys, args: [daemon, String(TOMBSTONE_MS)] }, daemon);
  }

  async sweep(queue: string, { leaseMs }: { leaseMs: number }): Promise<SweepReply> {
    const { leases, meta, delayed, dead, wake, quarantine, suspects, ready } = this.#of(queue);
    const keys = [leases, meta, delayed, dead, wake, quarantine, suspects, ...ready];
    const args = [wholeMs(leaseMs), String(BATCH_BYTES_LIMIT)];
    return decodeSweep(await this.#run('sweep', queue, { keys, args }));
  }

  async reclaim(queue: string, { daemon, deadlineAt, proven }: ReclaimRequest): Promise<ReclaimReply> {
    const { leases, session, inFlight, held, meta, wake, quarantine, suspects, ready } = this.#of(queue);
    const ofDaemon = [session(daemon), inFlight(daemon), held(daemon)];
    const keys = [leases, ...ofDaemon, meta, wake, quarantine, suspects, ...ready];
    const bounds = [TOMBSTONE_MS, RECLAIM_CHUNK, BATCH_BYTES_LIMIT].map(String);
    const args = [daemon, String(deadlineAt), proven ? '1' : '0', ...bounds];
    return decodeReclaim(await this.#run('reclaim', queue, { keys, args }, daemon));
  }

  async watermark(queue: string, { schedule }: { schedule: string }): Promise<WatermarkReply> {
    const { schedules, meta } = this.#of(queue);
    const args = [schedule, String(WATERMARK_AHEAD_MS), SCHEMA, this.#options.newId()];
    return decodeWatermark(await this.#run('watermark', queue, { keys: [schedules, meta], args }));
  }

  async fire(queue: string, request: FireRequest): Promise<FireReply> {
    return decodeFire(await this.#run('fire', queue, encodeFire(this.#of(queue), request)));
  }

  async wait(queues: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const byKey = new Map(queues.map((queue) => [this.#of(queue).wake, queue]));
    const woken = await this.#waiter.wait([...byKey.keys()], signal);
    return woken.map((key) => byKey.get(key) ?? key);
  }

  async close(): Promise<void> {
    this.#waiter.close();
    await this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #of(queue: string): QueueKeys {
    let keys = this.#keys.get(queue);
    if (keys === undefined) {
      keys = queueKeys(this.#options.namespace, queue);
      this.#keys.set(queue, keys);
    }
    return keys;
  }

  async #run(verb: Verb, queue: string, { keys, args }: Call, daemon?: string): Promise<Reply> {
    try {
      return await this.#connection.run(verb, this.#scripts.get(verb), keys, args);
    } catch (error) {
      if (!isWrongType(error)) throw error;
      throw await this.#nameWrongType(queue, daemon, error);
    }
  }

  async #search(queue: string, id: string): Promise<{ job: StoredJob | null; calls: number }> {
    const { leases, delayed, dead, suspects, ready, inFlightPrefix } = this.#of(queue);
    const keys = [leases, delayed, dead, suspects, ...ready];
    const bounds = [String(FIND_CHUNK), String(BATCH_BYTES_LIMIT), inFlightPrefix];
    let from = { place: '2', rank: '0' };
    for (let calls = 1; ; calls++) {
      const args = [id, from.place, from.rank, ...bounds];
      const found = decodeFind(await this.#run('find', queue, { keys, args }));
      if (found === null) return { job: null, calls };
      if ('job' in found) return { job: found.job, calls };
      from = found;
    }
  }

  async #checkServer(link: Link): Promise<void> {
    checkFitness(String(await link.send('INFO', ['INFO'], this.#options.callDeadlineMs)));
  }

  /** Redis does not say which key has the wrong type. */
  async #nameWrongType(queue: string, daemon: string | undefined, cause: BrokerError): Promise<BrokerError> {
    for (const [key, expected] of expectedTypes(this.#of(queue), daemon)) {
      const is = await this.#connection.call('TYPE', ['TYPE', key]);
      if (is !== 'none' && is !== expected) return wrongType(key, String(is), expected, cause);
    }
    return cause;
  }
}

const isWrongType = (error: unknown): error is BrokerError =>
  error instanceof BrokerError && error.cause instanceof Error && error.cause.message.includes('WRONGTYPE');
