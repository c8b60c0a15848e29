import type { Broker } from '../broker/broker.ts';
import type { Consumer } from '../consumer/consumer.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { ConsumptionRule, STUCK_AFTER_MS } from './consumption-rule.ts';

/** What is watched of a consumer. */
export type WatchedConsumer = Pick<Consumer, 'claimed' | 'openQueues' | 'renew'> & {
  readonly pool: Pick<Consumer['pool'], 'name' | 'free'>;
};

export interface ConsumptionWatchOptions {
  readonly broker: Pick<Broker, 'stats'>;
  readonly consumers: readonly WatchedConsumer[];
  readonly clock: Clock;
  readonly log: Logger;
}

const LOOK_EVERY_MS = 5_000;

/**
 * Sees what no look at processes sees: jobs wait, slots are free, and nothing is claimed. It is logged, and the consumer
 * listens for wakes anew and asks its queues; again every 30 s for as long as it lasts. A broker that does not answer is no
 * fault of the consumer.
 */
export class ConsumptionWatch {
  readonly #options: ConsumptionWatchOptions;
  readonly #rules: ReadonlyMap<WatchedConsumer, ConsumptionRule>;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #asking = false;

  constructor(options: ConsumptionWatchOptions) {
    this.#options = options;
    this.#rules = new Map(options.consumers.map((consumer) => [consumer, new ConsumptionRule()]));
  }

  /** Pools whose consumer is stuck. */
  get stuck(): readonly string[] {
    return [...this.#rules].filter(([, rule]) => rule.stuck).map(([{ pool }]) => pool.name);
  }

  /** Returns at once: the broker is asked in the background, by one question at a time. */
  look(now: number): void {
    if (this.#asking || now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    this.#asking = true;
    const looks = [...this.#rules].map(([consumer, rule]) => this.#observe(consumer, rule));
    void Promise.all(looks).then(() => {
      this.#asking = false;
    });
  }

  async #observe(consumer: WatchedConsumer, rule: ConsumptionRule): Promise<void> {
    const { clock, log } = this.#options;
    const { pool, openQueues } = consumer;
    const claimable = pool.free > 0 ? await this.#claimable(openQueues) : 0;
    const facts = { claimable, freeSlots: pool.free, claimed: consumer.claimed };
    const verdict = rule.observe({ now: clock.monotonic(), ...facts });
    if (verdict === 'stuck') {
      log.error('stuck: jobs wait and slots are free, but nothing was claimed; listening anew', {
        pool: pool.name,
        claimable,
        free: facts.freeSlots,
        for_ms: STUCK_AFTER_MS,
      });
      consumer.renew();
    } else if (verdict === 'freed') log.info('no longer stuck', { pool: pool.name });
  }

  /** 0 also when the broker does not say. Nobody may claim from a paused queue. */
  async #claimable(queues: readonly string[]): Promise<number> {
    const counts = await Promise.allSettled(
      queues.map(async (queue) => {
        const { ready, pause } = await this.#options.broker.stats(queue);
        return pause.pausedAt === null ? ready : 0;
      }),
    );
    return counts.reduce((sum, count) => sum + (count.status === 'fulfilled' ? count.value : 0), 0);
  }
}
