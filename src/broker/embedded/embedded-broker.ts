/**
 * The broker inside the daemon: a file beside it, served by a thread of its own.
 *
 *     new --start--> open --close--> closed
 *                     | the thread or a transaction failed
 *                     v
 *                   failed --close--> closed
 *
 * `failed` is final: everything is refused, and the supervisor is told (`failure`) so that it ends and says why.
 */

import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../lib/clock.ts';
import { ForkloopError } from '../../lib/errors.ts';
import { threadEntry } from '../../lib/thread-entry.ts';
import type { Broker } from '../broker.ts';
import { BrokerError } from '../broker-error.ts';
import { Wakes } from '../engine/wakes.ts';
import type { EnqueueBatch, EnqueueReply } from '../messages/enqueue.ts';
import type { ExchangeReply, ExchangeRequest } from '../messages/exchange.ts';
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
import type { FireReply, FireRequest, WatermarkReply } from '../messages/schedule.ts';
import type { FromStore, StoreReply, StoreRequest, ToStore, Verb, Verbs } from './messages.ts';

export interface EmbeddedBrokerOptions {
  /** The store's file; its directory must exist. */
  readonly path: string;
  readonly callDeadlineMs: number;
  readonly clock: Clock;
}

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BrokerError) => void;
  readonly timer: Timer;
}

/** Calls that wait for the thread; more are refused. */
const PENDING_LIMIT = 4_096;
const CLOSE_LIMIT_MS = 5_000;
export class EmbeddedBroker implements Broker {
  readonly type = 'embedded';
  /** Resolves, with the reason, when the store failed for good. Never rejects; stays pending in a store that is well. */
  readonly failure: Promise<ForkloopError>;
  readonly #options: EmbeddedBrokerOptions;
  readonly #wakes = new Wakes();
  readonly #pending = new Map<number, Call>();
  #state: 'new' | 'open' | 'failed' | 'closed' = 'new';
  #reason = 'the broker is not started';
  #worker: Worker | null = null;
  #lastId = 0;
  #tellFailure: (reason: ForkloopError) => void = () => {};

  constructor(options: EmbeddedBrokerOptions) {
    this.#options = options;
    this.failure = new Promise((resolve) => {
      this.#tellFailure = resolve;
    });
  }

  get up(): boolean {
    return this.#state === 'open';
  }

  /** @throws ForkloopError ERR_BROKER_UNFIT, ERR_ALREADY_RUNNING (another process holds the file). */
  async start(): Promise<void> {
    if (this.#state !== 'new') return;
    const { script, eval: isText } = threadEntry('store-thread', import.meta.url);
    const workerData = { path: this.#options.path };
    const worker = new Worker(script, { eval: isText, workerData, name: 'forkloop store', execArgv: [] });
    this.#worker = worker;
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (message: FromStore) => {
        if (message.type === 'opened') {
          // Closed meanwhile: its thread is about to end, as it should.
          if (this.#state === 'new') this.#state = 'open';
          for (const queue of message.ready) this.#wakes.wake(queue);
          resolve();
        } else if (message.type === 'unfit') {
          reject(new ForkloopError(message.code, message.message));
        } else {
          this.#heard(message);
        }
      });
      const ended = (reason: string, cause?: Error) => {
        this.#fail(reason);
        reject(new ForkloopError('ERR_BROKER_UNFIT', `${this.#options.path}: ${reason}`, { cause }));
      };
      worker.on('error', (error) => ended(`the store's thread ended: ${error.message}`, error));
      worker.on('exit', () => ended("the store's thread ended"));
    });
  }

  enqueue(queue: string, batch: EnqueueBatch): Promise<EnqueueReply> {
    return this.#call('enqueue', queue, batch);
  }

  results(queue: string, ids: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#call('results', queue, ids);
  }

  stats(queue: string): Promise<QueueStats> {
    return this.#call('stats', queue, null);
  }

  list(queue: string, request: ListRequest): Promise<readonly StoredJob[]> {
    return this.#call('list', queue, request);
  }

  find(queue: string, id: string): Promise<StoredJob | null> {
    return this.#call('find', queue, id);
  }

  setPaused(queue: string, request: PauseRequest): Promise<QueuePause> {
    return this.#call('setPaused', queue, request);
  }

  retry(queue: string, request: JobTarget): Promise<RetryReply> {
    return this.#call('retry', queue, request);
  }

  delete(queue: string, request: DeleteRequest): Promise<DeleteReply> {
    return this.#call('delete', queue, request);
  }

  purge(queue: string, request: PurgeRequest): Promise<PurgeReply> {
    return this.#call('purge', queue, request);
  }

  open(queue: string, request: { daemon: string; leaseMs: number }): Promise<'opened' | 'refused'> {
    return this.#call('open', queue, request);
  }

  exchange(queue: string, request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#call('exchange', queue, request);
  }

  heartbeat(queue: string, request: { daemon: string; leaseMs: number }): Promise<HeartbeatReply> {
    return this.#call('heartbeat', queue, request);
  }

  resync(queue: string, request: ResyncRequest): Promise<ResyncReply> {
    return this.#call('resync', queue, request);
  }

  async closeSession(queue: string, request: { daemon: string }): Promise<void> {
    await this.#call('closeSession', queue, request);
  }

  sweep(queue: string, request: { leaseMs: number }): Promise<SweepReply> {
    return this.#call('sweep', queue, request);
  }

  reclaim(queue: string, request: ReclaimRequest): Promise<ReclaimReply> {
    return this.#call('reclaim', queue, request);
  }

  watermark(queue: string, request: { schedule: string }): Promise<WatermarkReply> {
    return this.#call('watermark', queue, request);
  }

  fire(queue: string, request: FireRequest): Promise<FireReply> {
    return this.#call('fire', queue, request);
  }

  wait(queues: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    return this.#wakes.wait(queues, signal);
  }

  /** What was asked before is still stored and answered. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const worker = this.#worker;
    this.#state = 'closed';
    this.#reason = 'the broker is closed';
    this.#wakes.close();
    if (worker === null) return;
    const exited = new Promise<void>((resolve) => {
      if (worker.threadId === -1) resolve();
      worker.once('exit', () => resolve());
    });
    this.#post({ verb: 'close' });
    const timer = this.#options.clock.setTimer(CLOSE_LIMIT_MS, () => void worker.terminate());
    await exited;
    timer.cancel();
    this.#endPending('refused', this.#reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #call<V extends Verb>(verb: V, queue: string, argument: Verbs[V][0]): Promise<Verbs[V][1]> {
    if (this.#state !== 'open') return Promise.reject(new BrokerError('refused', this.#reason));
    if (this.#pending.size >= PENDING_LIMIT) {
      return Promise.reject(
        new BrokerError('refused', `the embedded store has ${PENDING_LIMIT} calls to answer`),
      );
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const { clock, callDeadlineMs } = this.#options;
      const timer = clock.setTimer(callDeadlineMs, () => {
        this.#pending.delete(id);
        reject(
          new BrokerError(
            'unknown',
            `the embedded store did not answer within ${callDeadlineMs} ms (${verb})`,
          ),
        );
      });
      this.#pending.set(id, { resolve: resolve as Call['resolve'], reject, timer });
      this.#post({ id, now: clock.now(), queue, verb, argument } as StoreRequest);
    });
  }

  #post(message: ToStore): void {
    this.#worker?.postMessage(message);
  }

  #heard(message: Extract<FromStore, { type: 'committed' | 'failed' }>): void {
    if (message.type === 'failed') {
      this.#fail(message.message);
      return;
    }
    for (const reply of message.replies) this.#answer(reply);
    for (const queue of message.woken) this.#wakes.wake(queue);
  }

  #answer(reply: StoreReply): void {
    const call = this.#pending.get(reply.id);
    if (call === undefined) return; // past its deadline
    this.#pending.delete(reply.id);
    call.timer.cancel();
    if ('value' in reply) {
      call.resolve(reply.value);
    } else {
      const { disposition, message, code } = reply.error;
      call.reject(new BrokerError(disposition, message, { code }));
    }
  }

  #fail(reason: string): void {
    if (this.#state !== 'open') return;
    this.#state = 'failed';
    this.#reason = `the embedded store ${this.#options.path} failed: ${reason}`;
    this.#endPending('unknown', this.#reason);
    this.#tellFailure(new ForkloopError('ERR_BROKER_UNAVAILABLE', this.#reason));
  }

  #endPending(disposition: 'refused' | 'unknown', reason: string): void {
    for (const call of this.#pending.values()) {
      call.timer.cancel();
      call.reject(new BrokerError(disposition, reason));
    }
    this.#pending.clear();
  }
}
