import type { AbortReason, Outcome } from '../task/outcome.ts';
import type { Inside } from './blame.ts';
import type { Delivery, Ended } from './pool.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** A delivery from `run` to its end. */
export class Flight implements Inside {
  readonly delivery: Delivery;
  /** Null while it waits in the pool. */
  worker: WorkerHandle | null = null;
  /** On the board of a worker that has one. */
  place: number | null = null;
  #startedAt: number | null = null;
  verdict: Outcome | null = null;
  aborted: AbortReason | null = null;
  progress: { readonly done: number; readonly total: number | null } | null = null;

  constructor(delivery: Delivery) {
    this.delivery = delivery;
  }

  get token(): string {
    return this.delivery.token;
  }

  /** Monotonic; null until its handler was called. */
  get startedAt(): number | null {
    if (this.#startedAt === null && this.place !== null)
      this.#startedAt = this.worker?.startedAt(this.place) ?? null;
    return this.#startedAt;
  }

  /** Its worker told of it. */
  start(now: number): void {
    this.#startedAt = now;
  }

  get started(): boolean {
    return this.startedAt !== null;
  }

  /** What its worker said of its end; what came back unstarted because it was to be ended ends for that reason. */
  ownEnd(outcome: Outcome): Outcome {
    if (outcome.type !== 'interrupted' || this.aborted === null || this.aborted === 'timeout') return outcome;
    return { type: 'interrupted', reason: this.aborted };
  }
}

/** Everything in flight. Each flight ends exactly once: what comes later finds nothing here. */
export class Ledger {
  readonly #flights = new Map<string, Flight>();
  #ended: Ended[] = [];
  #telling = false;
  #onEnded: (ended: readonly Ended[]) => void = () => {};

  get size(): number {
    return this.#flights.size;
  }

  onEnded(listener: (ended: readonly Ended[]) => void): void {
    this.#onEnded = listener;
  }

  add(delivery: Delivery): Flight {
    const flight = new Flight(delivery);
    this.#flights.set(delivery.token, flight);
    return flight;
  }

  get(token: string): Flight | undefined {
    return this.#flights.get(token);
  }

  values(): IterableIterator<Flight> {
    return this.#flights.values();
  }

  /** `now`: monotonic. False when it had ended before. */
  end(flight: Flight, outcome: Outcome, now: number): boolean {
    if (this.#flights.get(flight.token) !== flight) return false;
    this.#flights.delete(flight.token);
    const runMs = flight.startedAt === null ? null : now - flight.startedAt;
    this.#ended.push({ delivery: flight.delivery, outcome, runMs });
    this.#tellSoon();
    return true;
  }

  /** Tells what has ended and was not told yet. */
  tell(): void {
    const ended = this.#ended;
    this.#ended = [];
    if (ended.length > 0) this.#onEnded(ended);
  }

  /** Everything that ends in one turn of the event loop is told in one call. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      this.tell();
    });
  }
}
