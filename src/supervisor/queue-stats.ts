import type { Broker } from '../broker/broker.ts';
import type { QueueStats } from '../broker/messages/operator.ts';
import type { Clock } from '../lib/clock.ts';

/** Younger figures are answered as they are. */
const FRESH_MS = 250;
/** How long a question may wait for new figures before it is answered with the old ones. */
const PATIENCE_MS = 250;

/** What the broker last told of each queue, asked for anew only when somebody wants to know. */
export class QueueStatsCache {
  readonly #broker: Broker;
  readonly #queues: readonly string[];
  readonly #clock: Clock;
  readonly #known = new Map<string, QueueStats>();
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | null = null;

  constructor(broker: Broker, queues: readonly string[], clock: Clock) {
    this.#broker = broker;
    this.#queues = queues;
    this.#clock = clock;
  }

  /** The newest figures that can be had in 250 ms; a queue of which nothing was ever told is absent. */
  async read(): Promise<ReadonlyMap<string, QueueStats>> {
    if (this.#clock.monotonic() - this.#askedAt > FRESH_MS) {
      this.#asking ??= this.#ask();
      const answered = new AbortController();
      void this.#asking.then(() => answered.abort());
      await this.#clock.sleep(PATIENCE_MS, answered.signal);
    }
    return this.#known;
  }

  async #ask(): Promise<void> {
    await Promise.allSettled(
      this.#queues.map(async (queue) => this.#known.set(queue, await this.#broker.stats(queue))),
    );
    this.#askedAt = this.#clock.monotonic();
    this.#asking = null;
  }
}
