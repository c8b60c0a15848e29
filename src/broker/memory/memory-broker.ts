/**
 * A broker in this process's memory: the reference of the contract, for tests. It keeps every rule, and nothing beyond
 * the process.
 */

import type { Clock, EpochMs } from '../../lib/clock.ts';
import type { Broker } from '../broker.ts';
import { BrokerError } from '../broker-error.ts';
import { Queue } from '../engine/queue.ts';
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
import { MemoryShelf } from './memory-shelf.ts';

export class MemoryBroker implements Broker {
  readonly type = 'memory';
  readonly #clock: Pick<Clock, 'now'>;
  readonly #queues = new Map<string, Queue>();
  readonly #wakes = new Wakes();
  #state: 'open' | 'closed' = 'open';
  #highest: EpochMs = 0;

  constructor({ clock }: { clock: Pick<Clock, 'now'> }) {
    this.#clock = clock;
  }

  get up(): boolean {
    return this.#state === 'open';
  }

  async start(): Promise<void> {}

  async enqueue(queue: string, batch: EnqueueBatch): Promise<EnqueueReply> {
    return this.#queue(queue).enqueue(this.#now(), this.#highest, batch);
  }

  async results(queue: string, ids: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#queue(queue).inspector.results(this.#now(), ids);
  }

  async stats(queue: string): Promise<QueueStats> {
    return this.#queue(queue).inspector.stats(this.#now());
  }

  async list(queue: string, request: ListRequest): Promise<readonly StoredJob[]> {
    return this.#queue(queue).inspector.list(request);
  }

  async find(queue: string, id: string): Promise<StoredJob | null> {
    return this.#queue(queue).inspector.find(id);
  }

  async setPaused(queue: string, request: PauseRequest): Promise<QueuePause> {
    return this.#queue(queue).setPaused(this.#now(), request);
  }

  async retry(queue: string, request: JobTarget): Promise<RetryReply> {
    return this.#queue(queue).operator.retry(this.#now(), request);
  }

  async delete(queue: string, request: DeleteRequest): Promise<DeleteReply> {
    return this.#queue(queue).operator.delete(this.#now(), request);
  }

  async purge(queue: string, request: PurgeRequest): Promise<PurgeReply> {
    return this.#queue(queue).operator.purge(this.#now(), this.#highest, request);
  }

  async open(queue: string, request: { daemon: string; leaseMs: number }): Promise<'opened' | 'refused'> {
    return this.#queue(queue).open(this.#now(), request);
  }

  async exchange(queue: string, request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#queue(queue).exchange(this.#now(), request);
  }

  async heartbeat(queue: string, request: { daemon: string; leaseMs: number }): Promise<HeartbeatReply> {
    return this.#queue(queue).heartbeat(this.#now(), request);
  }

  async resync(queue: string, request: ResyncRequest): Promise<ResyncReply> {
    return this.#queue(queue).resync(this.#now(), request);
  }

  async closeSession(queue: string, request: { daemon: string }): Promise<void> {
    this.#queue(queue).closeSession(this.#now(), request);
  }

  async sweep(queue: string, request: { leaseMs: number }): Promise<SweepReply> {
    return this.#queue(queue).sweep(this.#now(), request);
  }

  async reclaim(queue: string, request: ReclaimRequest): Promise<ReclaimReply> {
    return this.#queue(queue).reclaim(this.#now(), request);
  }

  async watermark(queue: string, request: { schedule: string }): Promise<WatermarkReply> {
    return this.#queue(queue).schedules.watermark(this.#now(), request);
  }

  async fire(queue: string, request: FireRequest): Promise<FireReply> {
    return this.#queue(queue).schedules.fire(this.#now(), request);
  }

  wait(queues: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    return this.#wakes.wait(queues, signal);
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#wakes.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #queue(name: string): Queue {
    if (this.#state === 'closed') throw new BrokerError('refused', 'the broker is closed');
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new Queue(name, new MemoryShelf(), (woken) => this.#wakes.wake(woken));
      this.#queues.set(name, queue);
    }
    return queue;
  }

  #now(): EpochMs {
    const now = this.#clock.now();
    this.#highest = Math.max(this.#highest, now);
    return now;
  }
}
