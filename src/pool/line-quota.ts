import type { Clock, Timer } from '../lib/clock.ts';

/** What one worker may say in each period; job code that prints in a loop must not fill the disk and hide the rest. */
export const QUOTA_LINES = 1_000;
const PERIOD_MS = 1_000;

/** Counts the lines of one worker. What is above the quota is dropped and told once, at the end of the period. */
export class LineQuota {
  readonly #clock: Clock;
  readonly #tell: (dropped: number) => void;
  #began = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #dropped = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, tell: (dropped: number) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Whether the next line may pass. */
  take(): boolean {
    const now = this.#clock.monotonic();
    if (now - this.#began >= PERIOD_MS) {
      this.end();
      this.#began = now;
      this.#passed = 0;
    }
    if (this.#passed < QUOTA_LINES) {
      this.#passed += 1;
      return true;
    }
    this.#dropped += 1;
    this.#timer ??= this.#clock.setTimer(this.#began + PERIOD_MS - now, () => this.end());
    return false;
  }

  /** Tells what was dropped until now; also when the worker has ended. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#tell(dropped);
  }
}
