import { addToMean, type MovingMean } from '../lib/moving-mean.ts';
import type { Flight } from './ledger.ts';
import { prefetchDepth } from './prefetch.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** Finds a place for each flight: a worker that is free, or the buffer of one that will be in no time. */
export class Dispatcher {
  /** Of all jobs of late, and by task. */
  #mean: MovingMean = null;
  readonly #means = new Map<string, number>();
  #waiting: Flight[] = [];

  /** How many deliveries these workers could take if they had none. */
  capacity(workers: Iterable<WorkerHandle>): number {
    let capacity = 0;
    for (const { open, boot, zombies } of workers) {
      if (!open) continue;
      const room = boot.concurrency + prefetchDepth(this.#mean, boot.concurrency) - zombies.size;
      capacity += Math.max(0, room);
    }
    return capacity;
  }

  ran(flight: Flight, runMs: number): void {
    const { task } = flight.delivery;
    this.#mean = addToMean(this.#mean, runMs);
    this.#means.set(task, addToMean(this.#means.get(task) ?? null, runMs));
  }

  add(flights: readonly Flight[]): void {
    if (this.#waiting.length === 0) this.#waiting = [...flights];
    else this.#waiting.push(...flights);
  }

  remove(flight: Flight): void {
    this.#waiting = this.#waiting.filter((one) => one !== flight);
  }

  /** Takes out all that has no place yet. */
  clear(): readonly Flight[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** Gives what waits to the workers, in order, in one message to each. */
  dispatch(workers: readonly WorkerHandle[]): void {
    if (this.#waiting.length === 0) return;
    const meanOf = (task: string): MovingMean => this.#means.get(task) ?? null;
    const seats = workers.filter(({ open }) => open).map((worker) => new Seat(worker, meanOf));
    let given = 0;
    for (const flight of this.#waiting) {
      const seat = emptiest(seats);
      if (seat === undefined || !seat.takesMore) break;
      seat.take(flight);
      given += 1;
    }
    this.#waiting = this.#waiting.slice(given);
    for (const { worker, flights } of seats) if (flights.length > 0) worker.give(flights);
  }
}

function emptiest(seats: readonly Seat[]): Seat | undefined {
  let best: Seat | undefined;
  for (const seat of seats) if (best === undefined || seat.load < best.load) best = seat;
  return best;
}

/** A worker while flights are given out: full if what is in it already, or comes before the newcomer, may take long. */
class Seat {
  readonly worker: WorkerHandle;
  readonly flights: Flight[] = [];
  readonly #meanOf: (task: string) => MovingMean;
  /** What the longest of all inside takes; null when that is not known of one of them. Looked up when first asked for. */
  #longest: MovingMean | undefined;

  constructor(worker: WorkerHandle, meanOf: (task: string) => MovingMean) {
    this.worker = worker;
    this.#meanOf = meanOf;
  }

  get load(): number {
    return this.worker.inside.size + this.worker.zombies.size + this.flights.length;
  }

  /** A buffer is filled again when it is half empty: one message for many, instead of one for each job that ends. */
  get takesMore(): boolean {
    const { concurrency } = this.worker.boot;
    const buffered = this.load - concurrency;
    if (buffered < 0) return true;
    const depth = prefetchDepth(this.#longestInside(), concurrency);
    return this.flights.length > 0 ? buffered < depth : buffered * 2 < depth;
  }

  take(flight: Flight): void {
    this.flights.push(flight);
    if (this.#longest !== undefined)
      this.#longest = longer(this.#longest, this.#meanOf(flight.delivery.task));
  }

  #longestInside(): MovingMean {
    if (this.#longest !== undefined) return this.#longest;
    let longest: MovingMean = 0;
    for (const { delivery } of this.worker.inside.values())
      longest = longer(longest, this.#meanOf(delivery.task));
    for (const { delivery } of this.flights) longest = longer(longest, this.#meanOf(delivery.task));
    this.#longest = longest;
    return longest;
  }
}

const longer = (a: MovingMean, b: MovingMean): MovingMean =>
  a === null || b === null ? null : Math.max(a, b);
