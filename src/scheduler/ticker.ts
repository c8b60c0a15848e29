import type { Broker } from '../broker/broker.ts';
import { BrokerError } from '../broker/broker-error.ts';
import type { Watermark } from '../broker/messages/schedule.ts';
import type { Clock, EpochMs } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { type Schedule, tickRecord } from './schedule.ts';
import { plan } from './ticks.ts';

export interface TickerOptions {
  readonly schedule: Schedule;
  readonly broker: Pick<Broker, 'watermark' | 'fire'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** At least so often the broker is asked: another daemon may have fired, its clock may have been set. */
const LOOK_EVERY_MS = 30_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** When the broker knows better what is due: enough not to spin. */
const DISAGREED_PAUSE_MS = 50;

/** What the broker said last, and when, on our own clock that never jumps. */
interface Heard {
  readonly watermark: Watermark;
  readonly now: EpochMs;
  readonly at: number;
}

/**
 * Fires one schedule: waits for its next tick on the broker's clock, tries to fire it, goes on from where the broker says
 * the schedule stands. Every daemon has one; the broker lets each tick through once.
 */
export class Ticker {
  readonly schedule: Schedule;
  readonly #options: TickerOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> | null = null;
  #heard: Heard | null = null;
  #failures = 0;

  constructor(options: TickerOptions) {
    this.schedule = options.schedule;
    this.#options = options;
  }

  /** As last told by the broker; null before it has answered. */
  get watermark(): Watermark | null {
    return this.#heard?.watermark ?? null;
  }

  /** The broker's time as far as it is known, in whole milliseconds. */
  brokerNow(): EpochMs {
    const { clock } = this.#options;
    if (this.#heard === null) return clock.now();
    return Math.floor(this.#heard.now + (clock.monotonic() - this.#heard.at));
  }

  start(): void {
    this.#running ??= this.#run();
  }

  quiet(): void {
    this.#stopped.abort();
  }

  /** Resolves when nothing is fired any more. Never rejects. */
  async stop(): Promise<void> {
    this.quiet();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const pauseMs = await this.#turn().catch((error: unknown) => this.#failed(error));
      await clock.sleep(pauseMs, signal);
    }
  }

  /** Fires what is due; how long to wait then. */
  async #turn(): Promise<number> {
    const { clock } = this.#options;
    const heard = this.#heard;
    if (heard === null || clock.monotonic() - heard.at >= LOOK_EVERY_MS) await this.#look();
    const { watermark } = this.#heard as Heard;
    const { fire, nextAt } = plan(this.schedule, watermark.tick, this.brokerNow());
    for (const tick of fire) {
      if (this.#stopped.signal.aborted) return 0;
      if (!(await this.#fire(tick))) return DISAGREED_PAUSE_MS;
    }
    this.#works();
    const left = nextAt === null ? LOOK_EVERY_MS : Math.max(1, Math.ceil(nextAt - this.brokerNow()));
    return Math.min(left, LOOK_EVERY_MS);
  }

  async #look(): Promise<void> {
    const { broker } = this.#options;
    const { name, queue } = this.schedule;
    const { watermark, now } = await broker.watermark(queue, { schedule: name });
    this.#hear(watermark, now);
  }

  /** False when the broker did not agree: the schedule stands elsewhere, or the tick is not due. */
  async #fire(tick: EpochMs): Promise<boolean> {
    const { broker, log } = this.#options;
    const { name, queue } = this.schedule;
    const previous = (this.#heard as Heard).watermark.tick;
    const record = tickRecord(this.schedule, tick);
    const { watermark, now } = await broker.fire(queue, { schedule: name, previous, tick, record });
    if (watermark === null) {
      this.#heard = null; // its data is gone: the next look starts it anew
      return false;
    }
    this.#hear(watermark, now);
    if (watermark.tick !== tick) return false;
    if (watermark.holder === null) log.debug('a tick was fired', { tick });
    else log.debug('a tick was skipped: an earlier job still lives', { tick, job_id: watermark.holder });
    return true;
  }

  #hear(watermark: Watermark, now: EpochMs): void {
    this.#heard = { watermark, now, at: this.#options.clock.monotonic() };
  }

  #failed(error: unknown): number {
    const { log } = this.#options;
    const { message } = error as Error;
    const isTold = this.#failures > 0;
    this.#failures += 1;
    if (!(error instanceof BrokerError)) log.error('a schedule cannot be fired', { error: message });
    else if (!isTold) log.warn('ticks are late: the broker does not take them', { error: message });
    return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures - 1, 10));
  }

  #works(): void {
    if (this.#failures > 0) this.#options.log.info('ticks are fired again');
    this.#failures = 0;
  }
}
