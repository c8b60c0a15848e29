/** A broker whose code is loaded when it is started: a program that does not use it does not pay for it. */

import type { Broker } from './broker.ts';
import { BrokerError } from './broker-error.ts';
import type { EnqueueBatch, EnqueueReply } from './messages/enqueue.ts';
import type { ExchangeReply, ExchangeRequest } from './messages/exchange.ts';
import type {
  HeartbeatReply,
  ReclaimReply,
  ReclaimRequest,
  ResyncReply,
  ResyncRequest,
  SweepReply,
} from './messages/lease.ts';
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
} from './messages/operator.ts';
import type { FireReply, FireRequest, WatermarkReply } from './messages/schedule.ts';

export class LazyBroker implements Broker {
  readonly type: Broker['type'];
  readonly #load: () => Promise<Broker>;
  #state: 'new' | 'closed' = 'new';
  #starting: Promise<void> | null = null;
  #loaded: Broker | null = null;

  constructor(type: Broker['type'], load: () => Promise<Broker>) {
    this.type = type;
    this.#load = load;
  }

  get up(): boolean {
    return this.#loaded?.up ?? false;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async enqueue(queue: string, batch: EnqueueBatch): Promise<EnqueueReply> {
    return this.#broker.enqueue(queue, batch);
  }

  async results(queue: string, ids: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#broker.results(queue, ids);
  }

  async stats(queue: string): Promise<QueueStats> {
    return this.#broker.stats(queue);
  }

  async list(queue: string, request: ListRequest): Promise<readonly StoredJob[]> {
    return this.#broker.list(queue, request);
  }

  async find(queue: string, id: string): Promise<StoredJob | null> {
    return this.#broker.find(queue, id);
  }

  async setPaused(queue: string, request: PauseRequest): Promise<QueuePause> {
    return this.#broker.setPaused(queue, request);
  }

  async retry(queue: string, request: JobTarget): Promise<RetryReply> {
    return this.#broker.retry(queue, request);
  }

  async delete(queue: string, request: DeleteRequest): Promise<DeleteReply> {
    return this.#broker.delete(queue, request);
  }

  async purge(queue: string, request: PurgeRequest): Promise<PurgeReply> {
    return this.#broker.purge(queue, request);
  }

  async open(queue: string, request: { daemon: string; leaseMs: number }): Promise<'opened' | 'refused'> {
    return this.#broker.open(queue, request);
  }

  async exchange(queue: string, request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#broker.exchange(queue, request);
  }

  async heartbeat(queue: string, request: { daemon: string; leaseMs: number }): Promise<HeartbeatReply> {
    return this.#broker.heartbeat(queue, request);
  }

  async resync(queue: string, request: ResyncRequest): Promise<ResyncReply> {
    return this.#broker.resync(queue, request);
  }

  async closeSession(queue: string, request: { daemon: string }): Promise<void> {
    return this.#broker.closeSession(queue, request);
  }

  async sweep(queue: string, request: { leaseMs: number }): Promise<SweepReply> {
    return this.#broker.sweep(queue, request);
  }

  async reclaim(queue: string, request: ReclaimRequest): Promise<ReclaimReply> {
    return this.#broker.reclaim(queue, request);
  }

  async watermark(queue: string, request: { schedule: string }): Promise<WatermarkReply> {
    return this.#broker.watermark(queue, request);
  }

  async fire(queue: string, request: FireRequest): Promise<FireReply> {
    return this.#broker.fire(queue, request);
  }

  async wait(...args: Parameters<Broker['wait']>): Promise<readonly string[]> {
    return this.#loaded?.wait(...args) ?? [];
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#starting?.catch(() => {});
    await this.#loaded?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<void> {
    const broker = await this.#load();
    if (this.#state === 'closed') return;
    this.#loaded = broker;
    await broker.start();
  }

  get #broker(): Broker {
    if (this.#loaded !== null) return this.#loaded;
    throw new BrokerError(
      'refused',
      this.#state === 'closed' ? 'the broker is closed' : 'the broker is not started',
    );
  }
}
