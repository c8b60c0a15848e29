import type { Clock } from '../../lib/clock.ts';
import type { NewId } from '../../lib/ids.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Random } from '../../lib/random.ts';
import type { Broker } from '../broker.ts';
import { BATCH_BYTES_LIMIT } from '../messages/batch.ts';
import type { EnqueueBatch, EnqueueReply } from '../messages/enqueue.ts';
import type { ExchangeBehind, ExchangeReply, ExchangeRequest, OnRead } from '../messages/exchange.ts';
import type {
  HeartbeatReply,
  ReclaimReply,
  ReclaimRequest,
  ResyncReply,
  ResyncRequest,
  SweepReply,
} from '../messages/lease.ts';
import type {
  DeleteReply,
  DeleteRequest,
  JobTarget,
  ListRequest,
  PauseRequest,
  PurgeReply,
  PurgeRequest,
  QueuePause,
  QueueStats,
  RetryReply,
  StoredJob,
} from '../messages/operator.ts';
import {
  type FireReply,
  type FireRequest,
  WATERMARK_AHEAD_MS,
  type WatermarkReply,
} from '../messages/schedule.ts';
import { DELETED_RESULT } from '../unrun-results.ts';
import {
  decodeDelete,
  decodeEnqueue,
  decodeExchange,
  decodeFind,
  decodeFire,
  decodeHeartbeat,
  decodeList,
  decodeNext,
  decodeOpen,
  decodePause,
  decodePurge,
  decodeReclaim,
  decodeResync,
  decodeRetry,
  decodeStats,
  decodeSweep,
  decodeWatermark,
  foundNothing,
} from './decode.ts';
import {
  type Call,
  encodeEnqueue,
  encodeExchange,
  encodeFire,
  encodePurge,
  lifeMs,
  wholeMs,
} from './encode.ts';
import { expectedTypes, type QueueKeys, queueKeys, SCHEMA } from './keys.ts';
import type { Reply } from './link.ts';
import { Router } from './router.ts';
import { evalOf, Scripts, type Verb } from './scripts.ts';
import type { SendBehind } from './waiter.ts';
import { Wakes } from './wakes.ts';
import { isWrongType, nameWrongType } from './wrong-type.ts';

/** How long an id whose session has ended is refused. */
const TOMBSTONE_MS = 3_600_000;
/** The most jobs that one call of `reclaim` moves: a script of 1,000 blocks Redis for 1 to 2 ms. */
const RECLAIM_CHUNK = 1_000;
/** The most entries that one call of `find` looks at. */
const FIND_CHUNK = 2_000;

export interface RedisBrokerOptions {
  /** `redis://host:port/db` or `rediss://`: a server, or any node of a Redis Cluster. */
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

/** What carries calls to the server: a Router, or what a test puts in its place. */
export type Caller = Pick<Router, 'up' | 'start' | 'call' | 'run' | 'close'>;

/** The broker on a Redis server or cluster: each verb is one script on one queue's keys. */
export class RedisBroker implements Broker {
  readonly type = 'redis';
  readonly #options: RedisBrokerOptions;
  readonly #scripts: Scripts;
  readonly #caller: Caller;
  readonly #wakes: Wakes;
  readonly #keys = new Map<string, QueueKeys>();

  constructor(options: RedisBrokerOptions, scripts: Scripts = new Scripts(), caller?: Caller) {
    this.#options = options;
    this.#scripts = scripts;
    const router = new Router(options);
    this.#caller = caller ?? router;
    this.#wakes = new Wakes({ ...options, router });
  }

  get up(): boolean {
    return this.#caller.up;
  }

  async start(): Promise<void> {
    const failure = await this.#caller.start();
    if (failure?.code !== 'ERR_BROKER_UNFIT') return;
    await this.close();
    throw failure;
  }

  async enqueue(queue: string, batch: EnqueueBatch): Promise<EnqueueReply> {
    const call = encodeEnqueue(this.#of(queue), batch);
    return decodeEnqueue(await this.#run('enqueue', queue, call), batch.jobs.length);
  }

  async results(queue: string, ids: readonly string[]): Promise<readonly (string | null)[]> {
    if (ids.length === 0) return [];
    const keys = this.#of(queue);
    const names = ids.map((id) => keys.result(id));
    const reply = await this.#caller.call('results', ['MGET', ...names], keys.wake);
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
    const { leases, delayed, dead, suspects, ready } = this.#of(queue);
    const keys = [leases, delayed, dead, suspects, ...ready];
    return decodeFind(await this.#search('find', queue, keys, id));
  }

  async setPaused(queue: string, { paused, version }: PauseRequest): Promise<QueuePause> {
    const { meta, wake } = this.#of(queue);
    const args = [paused ? '1' : '0', String(version), SCHEMA, this.#options.newId()];
    return decodePause(await this.#run('pause', queue, { keys: [meta, wake], args }));
  }

  async retry(queue: string, { id, claims }: JobTarget): Promise<RetryReply> {
    const { leases, delayed, dead, unique, meta, wake, suspects, ready, result } = this.#of(queue);
    const keys = [leases, delayed, dead, unique, meta, wake, result(id), suspects, ...ready];
    return decodeRetry(await this.#search('retry', queue, keys, id, [String(claims)]));
  }

  async delete(queue: string, { id, claims, resultTtlMs }: DeleteRequest): Promise<DeleteReply> {
    const { leases, delayed, dead, unique, meta, suspects, ready, result } = this.#of(queue);
    const keys = [leases, delayed, dead, unique, meta, result(id), suspects, ...ready];
    const args = [String(claims), DELETED_RESULT, lifeMs(resultTtlMs)];
    return decodeDelete(await this.#search('delete', queue, keys, id, args));
  }

  async purge(queue: string, request: PurgeRequest): Promise<PurgeReply> {
    const call = encodePurge(this.#of(queue), request);
    return decodePurge(await this.#run('purge', queue, call));
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

  async wait(queues: readonly string[], signal: AbortSignal, onRead?: OnRead): Promise<readonly string[]> {
    const byKey = new Map(queues.map((queue) => [this.#of(queue).wake, queue]));
    const [queue, ...others] = queues;
    const told =
      onRead === undefined || queue === undefined || others.length > 0
        ? undefined
        : (send: SendBehind | null) => onRead(send && this.#behind(queue, send));
    const woken = await this.#wakes.wait([...byKey.keys()], signal, told);
    return woken.map((key) => byKey.get(key) ?? key);
  }

  async close(): Promise<void> {
    this.#wakes.close();
    await this.#caller.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #behind(queue: string, send: SendBehind): ExchangeBehind {
    return async (request) => {
      const { keys, args } = encodeExchange(this.#of(queue), request);
      return decodeExchange(await send('exchange', evalOf(this.#scripts.get('exchange'), keys, args)));
    };
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
    const { clock, callDeadlineMs } = this.#options;
    const until = clock.monotonic() + callDeadlineMs;
    try {
      return await this.#caller.run(verb, this.#scripts.get(verb), keys, args);
    } catch (error) {
      if (!isWrongType(error)) throw error;
      const expected = expectedTypes(this.#of(queue), daemon);
      const typeOf = (key: string) => this.#caller.call('TYPE', ['TYPE', key], key);
      throw await nameWrongType(error, { expected, typeOf, clock, until });
    }
  }

  /** Runs a script that looks for a job (parts/search.lua), call by call to its end. */
  async #search(
    verb: 'find' | 'retry' | 'delete',
    queue: string,
    keys: readonly string[],
    id: string,
    more: readonly string[] = [],
  ): Promise<Reply> {
    const bounds = [String(FIND_CHUNK), String(BATCH_BYTES_LIMIT), this.#of(queue).inFlightPrefix];
    let from = { place: '', rank: '0' };
    let [calls, passes] = [0, 0];
    for (;;) {
      const args = [id, from.place, from.rank, ...bounds, ...more];
      const reply = await this.#run(verb, queue, { keys, args });
      calls++;
      const next = decodeNext(reply);
      if (next !== null) {
        from = next;
        continue;
      }
      passes++;
      // A search of several calls can be passed by a job that goes back meanwhile: it looks twice before it says no.
      if (!foundNothing(reply) || calls === 1 || passes === 2) return reply;
      from = { place: '', rank: '0' };
    }
  }
}
