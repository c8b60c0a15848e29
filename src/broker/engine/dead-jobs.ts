import type { EpochMs } from '../../lib/clock.ts';
import type { ExchangeRequest } from '../messages/exchange.ts';
import { DEAD, IN_FLIGHT, type JobKey, type Shelf } from './shelf.ts';

/** How many dead jobs are kept and for how long: as last asked for by a daemon, so that a quiet queue's dead age too. */
export class DeadJobs {
  readonly #shelf: Shelf;
  #keep: ExchangeRequest['keepDead'] | null = null;

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
  }

  keep(limits: ExchangeRequest['keepDead']): void {
    this.#keep = limits;
  }

  /** Keeps what is in flight and no record (any more) among the dead, as it is, for a person to look at. */
  bury(keys: readonly JobKey[], now: EpochMs): void {
    if (keys.length === 0) return;
    const moves = keys.map((key) => ({ key, record: null, line: DEAD, rank: now }));
    this.#shelf.move(IN_FLIGHT, moves);
    this.#shelf.tally('dead', keys.length);
    this.trim(now);
  }

  trim(now: EpochMs): void {
    if (this.#keep === null || this.#shelf.count(DEAD) === 0) return;
    this.#shelf.trimDead(this.#keep.count, now - this.#keep.ageMs);
  }
}
