import type { Broker } from '../broker/broker.ts';
import type { LeaseView } from '../broker/messages/lease.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { Service } from '../lib/service.ts';
import { ReclaimRule, type ReclaimRuleOptions } from './reclaim-rule.ts';

export interface SweeperOptions {
  readonly broker: Broker;
  readonly queues: readonly string[];
  readonly leaseMs: number;
  readonly intervalMs: number;
  readonly rule: ReclaimRuleOptions;
  /** This daemon's own ids: their leases are not for it to take. */
  readonly ownDaemons: () => ReadonlySet<string>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Of the interval: how far looks at one moment are spread. */
const SPREAD = 0.1;
/** Of the interval: looks are never closer together, whatever the leases of others promise. */
const LEAST = 0.05;

/** Looks after what no daemon looks after: due jobs become ready, the jobs of dead daemons come back. */
export class Sweeper implements Service {
  readonly #options: SweeperOptions;
  readonly #rules: ReadonlyMap<string, ReclaimRule>;
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#rules = new Map(options.queues.map((queue) => [queue, new ReclaimRule(options.rule)]));
  }

  async start(): Promise<void> {
    this.#running = this.#sweepOn();
  }

  /** Other daemons' dead are taken care of to the end. */
  quiet(): void {}

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #sweepOn(): Promise<void> {
    const { clock, random, intervalMs } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      // At once: a queue whose server does not answer must not make the looks at others too rare to take a lease.
      await Promise.all([...this.#rules].map(([queue, rule]) => this.#sweep(queue, rule)));
      // Spread, so that the daemons that see the same lease end do not all look at once.
      const next = Math.min(...[...this.#rules.values()].map(({ nextAt }) => nextAt)) - clock.monotonic();
      const restMs = Math.min(intervalMs * (0.75 + 0.5 * random()), next + SPREAD * intervalMs * random());
      await clock.sleep(Math.max(restMs, LEAST * intervalMs), signal);
    }
  }

  async #sweep(queue: string, rule: ReclaimRule): Promise<void> {
    const { broker, leaseMs, clock, log, ownDaemons } = this.#options;
    const sentAt = clock.monotonic();
    try {
      const reply = await broker.sweep(queue, { leaseMs });
      const leases = rule.observe({ reply, sentAt, answeredAt: clock.monotonic() }, ownDaemons());
      for (const lease of leases) await this.#reclaim(queue, lease);
    } catch (error) {
      rule.forget();
      log.debug('sweep failed', { queue, error: String(error) });
    }
  }

  async #reclaim(queue: string, { daemon, deadlineAt }: LeaseView): Promise<void> {
    const { broker, log } = this.#options;
    let moved = 0;
    for (;;) {
      const reply = await broker.reclaim(queue, { daemon, deadlineAt, proven: false });
      if (reply.status === 'alive') return;
      moved += reply.moved;
      if (!reply.more) break;
    }
    log.warn('took back the jobs of a daemon that stopped renewing its lease', {
      queue,
      daemon,
      jobs: moved,
    });
  }
}
