import type { Broker } from '../broker/broker.ts';
import { isoTimeOrNull } from '../control/job-report.ts';
import type { QueuePauseReport, QueueRequest, QueuesReport, StoredQueueReport } from '../control/protocol.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Pool } from '../pool/pool.ts';
import { answered } from './answered.ts';

/** Others may pause and resume at the same time; whoever comes last has it. */
const ATTEMPTS = 5;

/** Does to whole queues what an operator asks for. */
export class QueueOperator {
  readonly #broker: Broker;
  /** The pool of each queue. */
  readonly #pools: ReadonlyMap<string, string>;

  constructor(broker: Broker, pools: readonly Pick<Pool, 'name' | 'queues'>[]) {
    this.#broker = broker;
    this.#pools = new Map(pools.flatMap((pool) => pool.queues.map((queue) => [queue, pool.name])));
  }

  /** @throws BrokerError */
  async list(): Promise<QueuesReport> {
    const queues = await Promise.all([...this.#pools].map(([name, pool]) => this.#report(name, pool)));
    return { schema: 'forkloop.queues/1', queues };
  }

  /** @throws ForkloopError ERR_QUEUE_UNKNOWN; BrokerError */
  async show({ name }: QueueRequest): Promise<StoredQueueReport> {
    return this.#report(name, this.#poolOf(name));
  }

  /** @throws ForkloopError ERR_QUEUE_UNKNOWN; BrokerError */
  async setPaused({ name }: QueueRequest, paused: boolean): Promise<QueuePauseReport> {
    this.#poolOf(name);
    let { pause } = await this.#broker.stats(name);
    let changed = false;
    for (let attempt = 0; attempt < ATTEMPTS && (pause.pausedAt !== null) !== paused; attempt++) {
      const request = { paused, version: pause.version + 1 };
      pause = await answered(() => this.#broker.setPaused(name, request));
      changed = true;
    }
    return {
      schema: 'forkloop.queue-pause/1',
      name,
      paused: pause.pausedAt !== null,
      paused_since: isoTimeOrNull(pause.pausedAt),
      changed,
    };
  }

  async #report(name: string, pool: string): Promise<StoredQueueReport> {
    const { ready, delayed, inFlight, dead, oldestReadyMs, pause, counters } = await this.#broker.stats(name);
    return {
      schema: 'forkloop.queue/1',
      ...{ name, pool },
      paused: pause.pausedAt !== null,
      paused_since: isoTimeOrNull(pause.pausedAt),
      ...{ ready, delayed, in_flight: inFlight, dead },
      oldest_ready_seconds: oldestReadyMs === null ? null : Math.round(oldestReadyMs / 1_000),
      counters,
    };
  }

  #poolOf(queue: string): string {
    const pool = this.#pools.get(queue);
    if (pool !== undefined) return pool;
    const known = [...this.#pools.keys()].join(', ');
    throw new ForkloopError('ERR_QUEUE_UNKNOWN', `no pool serves the queue "${queue}": there are ${known}`);
  }
}
