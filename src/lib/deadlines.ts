import type { Clock, Timer } from './clock.ts';

/** Deadlines are rounded up to a multiple of this, so that many of them share one wake-up. */
const GRAIN_MS = 8;

/**
 * Many deadlines on one timer: setting and clearing one costs two map operations and no timer, whatever their number.
 * A deadline fires up to 8 ms late, never early.
 */
export class Deadlines<Key> {
  readonly #clock: Clock;
  readonly #onDue: (key: Key) => void;
  /** Keys by the grain in which they are due. Empty grains are removed. */
  readonly #grains = new Map<number, Set<Key>>();
  readonly #grainOf = new Map<Key, number>();
  #timer: Timer | null = null;
  #timerGrain = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, onDue: (key: Key) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Calls back with `key` once, `ms` from `now` (monotonic). A key has one deadline: setting it again moves it. */
  set(key: Key, ms: number, now = this.#clock.monotonic()): void {
    this.clear(key);
    const grain = Math.ceil((now + ms) / GRAIN_MS);
    const keys = this.#grains.get(grain);
    if (keys === undefined) this.#grains.set(grain, new Set([key]));
    else keys.add(key);
    this.#grainOf.set(key, grain);
    if (grain < this.#timerGrain) this.#arm(grain);
  }

  /** Harmless for a key without a deadline. The timer stays: it finds nothing due and sleeps on. */
  clear(key: Key): void {
    const grain = this.#grainOf.get(key);
    if (grain === undefined) return;
    this.#grainOf.delete(key);
    const keys = this.#grains.get(grain);
    keys?.delete(key);
    if (keys?.size === 0) this.#grains.delete(grain);
  }

  /** Forgets all deadlines and the timer. */
  stop(): void {
    this.#grains.clear();
    this.#grainOf.clear();
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerGrain = Number.POSITIVE_INFINITY;
  }

  #arm(grain: number): void {
    this.#timer?.cancel();
    this.#timerGrain = grain;
    const ms = Math.max(0, Math.ceil(grain * GRAIN_MS - this.#clock.monotonic()));
    this.#timer = this.#clock.setTimer(ms, () => this.#fire());
  }

  #fire(): void {
    this.#timer = null;
    this.#timerGrain = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonic() / GRAIN_MS;
    const due: Key[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [grain, keys] of this.#grains) {
      if (grain <= now) due.push(...keys);
      else if (grain < next) next = grain;
    }
    for (const key of due) this.clear(key);
    if (next < this.#timerGrain) this.#arm(next);
    for (const key of due) this.#onDue(key);
  }
}
