import type { Clock } from '../lib/clock.ts';
import { toBeat } from '../lib/common-beat.ts';
import type { Logger } from '../lib/logger.ts';
import type { Service } from '../lib/service.ts';

export interface SuperviseLoopOptions {
  /** Looks at the daemon. `now`: monotonic ms; `lateMs`: how much later than planned. Does not wait for anything. */
  readonly looks: readonly ((now: number, lateMs: number) => void)[];
  readonly clock: Clock;
  readonly log: Logger;
}

export const ROUND_MS = 1_000;

/**
 * Goes round once a second from before the start until after the stop. That it goes round is what "alive" means: health
 * and the watchdog go by it, and by nothing that lies outside this process.
 */
export class SuperviseLoop implements Service {
  readonly #options: SuperviseLoopOptions;
  readonly #stopped = new AbortController();
  #roundAt: number;
  #running: Promise<void> = Promise.resolve();

  constructor(options: SuperviseLoopOptions) {
    this.#options = options;
    this.#roundAt = options.clock.monotonic();
  }

  /** Since the last round, ms. Around 1,000 at most in a daemon that is well. */
  get ageMs(): number {
    return this.#options.clock.monotonic() - this.#roundAt;
  }

  async start(): Promise<void> {
    this.#running = this.#goRound();
  }

  /** It goes on to the end. */
  quiet(): void {}

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** A round out of turn: something has changed that must not wait. */
  look(): void {
    this.#round(0);
  }

  async #goRound(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const began = clock.monotonic();
      const roundMs = toBeat(clock, ROUND_MS);
      await clock.sleep(roundMs, signal);
      if (!signal.aborted) this.#round(clock.monotonic() - began - roundMs);
    }
  }

  #round(lateMs: number): void {
    const { looks, clock, log } = this.#options;
    const now = clock.monotonic();
    for (const look of looks) {
      try {
        look(now, lateMs);
      } catch (error) {
        log.error('a look of the supervise loop failed', { err: error });
        return;
      }
    }
    this.#roundAt = now;
  }
}
