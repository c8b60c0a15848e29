/**
 * Where a thread notes which of its deliveries have begun and when, in memory that its master reads when it wants to know. A
 * message instead would have to wake the master's event loop, and each handler would wait for that before its first line.
 *
 * A delivery's place is its number in the order in which the worker was given deliveries: both sides count for themselves.
 */

import type { Clock } from '../../lib/clock.ts';

/** Shared. `begun`: by place modulo length, the number of the delivery that has begun there. `at`: when, on `processMs`. */
export interface BoardMemory {
  readonly begun: Int32Array;
  readonly at: Float64Array;
}

/**
 * As many as a worker is ever given and has not begun: what it runs at once, and the deepest buffer. Those begin in order, so
 * none of them is overwritten.
 */
const BUFFERED = 1_024;

export function boardMemory(concurrency: number): BoardMemory {
  const places = concurrency + BUFFERED;
  return {
    begun: new Int32Array(new SharedArrayBuffer(places * Int32Array.BYTES_PER_ELEMENT)),
    at: new Float64Array(new SharedArrayBuffer(places * Float64Array.BYTES_PER_ELEMENT)),
  };
}

/** A time that all threads of the process count alike, which `Clock.monotonic` is not. */
const processMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const LOOKS = 5;

/**
 * What `common` is ahead of the clock. What comes between two looks makes it larger: the least of several is true. The clock
 * is looked at before: its first look loads it, which takes a millisecond.
 */
function offsetOf(clock: Clock, common: () => number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < LOOKS; look++) {
    const own = clock.monotonic();
    least = Math.min(least, common() - own);
  }
  return least;
}

/** The thread's side. */
export class StartNotes {
  readonly #memory: BoardMemory;
  readonly #offset: number;
  #given = 0;

  constructor(memory: BoardMemory, clock: Clock, common = processMs) {
    this.#memory = memory;
    this.#offset = offsetOf(clock, common);
  }

  /** The place of the delivery that was given next. */
  next(): number {
    this.#given += 1;
    return this.#given;
  }

  /** `now`: monotonic. */
  note(place: number, now: number): void {
    const { begun, at } = this.#memory;
    const index = place % begun.length;
    at[index] = now + this.#offset;
    // The time is there when the number is.
    Atomics.store(begun, index, place | 0);
  }
}

/** Who stands at a place. Reading `startedAt` keeps it. */
export interface Given {
  readonly startedAt: number | null;
}

/** The master's side. */
export class StartBoard {
  readonly memory: BoardMemory;
  readonly #offset: number;
  readonly #standing: (Given | undefined)[];
  #given = 0;

  constructor(concurrency: number, clock: Clock, common = processMs) {
    this.memory = boardMemory(concurrency);
    this.#standing = new Array<undefined>(this.memory.begun.length).fill(undefined);
    this.#offset = offsetOf(clock, common);
  }

  /** The place of what is given next. Who stood there before learns now when it began. */
  place(one: Given): number {
    this.#given += 1;
    const index = this.#given % this.#standing.length;
    void this.#standing[index]?.startedAt;
    this.#standing[index] = one;
    return this.#given;
  }

  /** When it began, monotonic; null when it has not. */
  startedAt(place: number): number | null {
    const { begun, at } = this.memory;
    const index = place % begun.length;
    return Atomics.load(begun, index) === (place | 0) ? (at[index] as number) - this.#offset : null;
  }

  /** It has ended: nothing of it is kept here. */
  leave(place: number, one: Given): void {
    const index = place % this.#standing.length;
    if (this.#standing[index] === one) this.#standing[index] = undefined;
  }
}
