import type { Broker } from '../broker/broker.ts';
import { PURGE_CHUNK } from '../broker/messages/operator.ts';
import { isoTimeOrNull } from '../control/job-report.ts';
import type {
  QueuePauseReport,
  QueuePurgeReport,
  QueuePurgeRequest,
  QueueRequest,
  QueuesReport,
  StoredQueueReport,
} from '../control/messages/queues.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { NewId } from '../lib/ids.ts';
import type { Pool } from '../pool/pool.ts';
import { answered } from './answered.ts';

/** Others may pause and resume at the same time; whoever comes last has it. */
const ATTEMPTS = 5;

/** Longer than it takes to ask twice; a copy that comes later removes nothing. */
const PURGE_VALID_MS = 10_000;

export interface QueueOperatorOptions {
  readonly broker: Broker;
  readonly pools: readonly Pick<Pool, 'name' | 'queues'>[];
  /** How long results of a queue are kept, ms. */
  readonly resultTtlOf: (queue: string) => number;
  readonly newId: NewId;
}

/** Does to whole queues what an operator asks for. */
export class QueueOperator {
  readonly #options: QueueOperatorOptions;
  readonly #broker: Broker;
  /** The pool of each queue. */
  readonly #pools: ReadonlyMap<string, string>;

  constructor(options: QueueOperatorOptions) {
    const { broker, pools } = options;
    this.#options = options;
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

  /** @throws ForkloopError ERR_QUEUE_UNKNOWN; BrokerError: some may be removed by then. */
  async purge({ name, state, limit }: QueuePurgeRequest): Promise<QueuePurgeReport> {
    this.#poolOf(name);
    const { newId, resultTtlOf } = this.#options;
    const about = { state, resultTtlMs: resultTtlOf(name) };
    let [removed, more] = [0, true];
    // Late by any clock: the answer to the first request says what time it is there.
    let notAfterAt = 0;
    while (more && removed < limit) {
      const request = { ...about, id: newId(), notAfterAt, limit: Math.min(PURGE_CHUNK, limit - removed) };
      const reply = await answered(() => this.#broker.purge(name, request));
      notAfterAt = reply.now + PURGE_VALID_MS;
      if (reply.status === 'late') continue;
      removed += reply.removed;
      more = reply.more;
    }
    return { schema: 'forkloop.queue-purge/1', name, state, removed, more };
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
