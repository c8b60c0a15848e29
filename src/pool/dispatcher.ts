import type { Flight } from './ledger.ts';
import { addRun, type MeanRun, prefetchDepth } from './prefetch.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** Finds a place for each flight: a worker that is free, or the buffer of one that will be in no time. */
export class Dispatcher {
  /** Of all jobs of late, and by task. Only asked where workers run one job at a time. */
  #mean: MeanRun = null;
  readonly #means = new Map<string, number>();
  #waiting: Flight[] = [];

  /** How many deliveries these workers could take if they had none. */
  capacity(workers: Iterable<WorkerHandle>): number {
    let capacity = 0;
    for (const { open, boot } of workers) {
      if (open) capacity += boot.concurrency + (boot.concurrency === 1 ? prefetchDepth(this.#mean) : 0);
    }
    return capacity;
  }

  ran(flight: Flight, runMs: number): void {
    const { task } = flight.delivery;
    this.#mean = addRun(this.#mean, runMs);
    this.#means.set(task, addRun(this.#means.get(task) ?? null, runMs));
  }

  add(flights: readonly Flight[]): void {
    this.#waiting.push(...flights);
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
    const seats = workers.filter(({ open }) => open).map((worker) => new Seat(worker));
    let given = 0;
    for (const flight of this.#waiting) {
      const seat = this.#place(seats);
      if (seat === undefined) break;
      seat.flights.push(flight);
      given += 1;
    }
    this.#waiting = this.#waiting.slice(given);
    for (const { worker, flights } of seats) if (flights.length > 0) worker.give(flights);
  }

  /** The emptiest worker; one that is full only if all before the newcomer are short. */
  #place(seats: readonly Seat[]): Seat | undefined {
    let best: Seat | undefined;
    for (const seat of seats) if (best === undefined || seat.load < best.load) best = seat;
    if (best === undefined || best.load < best.worker.boot.concurrency) return best;
    return best.worker.boot.concurrency === 1 && best.load <= this.#depthBehind(best) ? best : undefined;
  }

  #depthBehind(seat: Seat): number {
    let longest: MeanRun = 0;
    for (const { delivery } of [...seat.worker.inside.values(), ...seat.flights]) {
      const mean = this.#means.get(delivery.task) ?? null;
      longest = mean === null || longest === null ? null : Math.max(longest, mean);
    }
    return prefetchDepth(longest);
  }
}

class Seat {
  readonly worker: WorkerHandle;
  readonly flights: Flight[] = [];

  constructor(worker: WorkerHandle) {
    this.worker = worker;
  }

  get load(): number {
    return this.worker.inside.size + this.worker.zombies.size + this.flights.length;
  }
}
