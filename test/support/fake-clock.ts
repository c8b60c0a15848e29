import type { Clock, EpochMs, Timer } from '../../src/lib/clock.ts';

interface Pending {
  readonly due: number;
  readonly callback: () => void;
}

/** Time that stands still until a test moves it. */
export class FakeClock implements Clock {
  #wall: EpochMs;
  #elapsed = 0;
  readonly #timers = new Set<Pending>();

  constructor(start: EpochMs = Date.UTC(2026, 0, 1)) {
    this.#wall = start;
  }

  now(): EpochMs {
    return this.#wall;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        timer.cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.setTimer(ms, end);
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  setTimer(ms: number, callback: () => void): Timer {
    const timer: Pending = { due: this.#elapsed + Math.max(0, ms), callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  /** Timers and sleeps that have neither ended nor been cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Moves both clocks on by `ms`. What falls due on the way runs at its own time, in order (of one time: as it was set),
   * also what is set meanwhile; before and after each one, promises that can settle have settled.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settled();
    for (let next = this.#nextUntil(end); next !== null; next = this.#nextUntil(end)) {
      this.#timers.delete(next);
      this.#moveTo(next.due);
      next.callback();
      await settled();
    }
    this.#moveTo(end);
  }

  /** Sets the wall clock on or back, as an operator does; no timer notices. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  #nextUntil(end: number): Pending | null {
    let next: Pending | null = null;
    for (const timer of this.#timers)
      if (timer.due <= end && (next === null || timer.due < next.due)) next = timer;
    return next;
  }

  #moveTo(elapsed: number): void {
    this.#wall += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }
}

/** One turn of the event loop: every promise that waits for no timer and no I/O has settled after it. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
