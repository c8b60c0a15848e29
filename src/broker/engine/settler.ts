/** What an exchange settles: what ended leaves the queue, what goes on moves to its line. */

import type { EpochMs } from '../../lib/clock.ts';
import { tokenId } from '../job-record.ts';
import type { ExchangeDone, Settlement } from '../messages/exchange.ts';
import type { DeadJobs } from './dead-jobs.ts';
import { readHeader } from './header.ts';
import { placeSettled } from './placement.ts';
import type { Delivered, Session } from './sessions.ts';
import { DEAD, DELAYED, IN_FLIGHT, type JobKey, type KeptResult, type Move, type Shelf } from './shelf.ts';

/** A settlement after which the record is still there. */
interface Moved {
  readonly delivered: Delivered;
  readonly settlement: Exclude<Settlement, { type: 'ack' }>;
}

export class Settler {
  readonly #shelf: Shelf;
  readonly #dead: DeadJobs;
  readonly #onReady: () => void;

  /** `onReady`: something to claim was added. */
  constructor(shelf: Shelf, dead: DeadJobs, onReady: () => void) {
    this.#shelf = shelf;
    this.#dead = dead;
    this.#onReady = onReady;
  }

  /** Refused are those that the session has not in flight. */
  settle(
    session: Session,
    settlements: readonly Settlement[],
    now: EpochMs,
  ): Pick<ExchangeDone, 'refused' | 'refusedAcks'> {
    const refused: string[] = [];
    let refusedAcks = 0;
    const acked: JobKey[] = [];
    const moved: Moved[] = [];
    const results: KeptResult[] = [];
    for (const settlement of settlements) {
      const { token } = settlement;
      const delivered = session.inFlight.get(token);
      if (delivered === undefined) {
        if (settlement.type === 'ack' && settlement.result === undefined) refusedAcks += 1;
        else refused.push(token);
        continue;
      }
      session.inFlight.delete(token);
      if (settlement.type === 'ack') acked.push(delivered.key);
      else moved.push({ delivered, settlement });
      const ends = settlement.type === 'ack' || settlement.type === 'dead';
      if (!ends) continue;
      if (delivered.unique !== null) this.#shelf.release(delivered.unique, tokenId(token));
      const { result } = settlement;
      if (result !== undefined)
        results.push({ id: tokenId(token), json: result.json, untilAt: now + result.ttlMs });
    }
    this.#shelf.remove(IN_FLIGHT, acked);
    this.#shelf.keepResults(results);
    this.#shelf.tally('completed', acked.length);
    this.#shelf.tally('refused', refused.length + refusedAcks);
    if (moved.length > 0) this.#move(moved, now);
    return { refused, refusedAcks };
  }

  #move(settled: readonly Moved[], now: EpochMs): void {
    const records = this.#shelf.read(settled.map(({ delivered }) => delivered.key));
    const moves: Move[] = [];
    const unreadable: JobKey[] = [];
    for (const { delivered, settlement } of settled) {
      const record = records.get(delivered.key);
      if (record === undefined) continue;
      const header = readHeader(record);
      if (header === null) {
        unreadable.push(delivered.key);
        continue;
      }
      moves.push(placeSettled({ key: delivered.key, record, header }, settlement, now));
      if (settlement.type === 'retry') this.#shelf.tally('retried', 1);
      if (settlement.type === 'dead') this.#shelf.tally('dead', 1);
    }
    this.#shelf.move(IN_FLIGHT, moves);
    this.#dead.bury(unreadable, now);
    if (moves.some((move) => move.line === DEAD)) this.#dead.trim(now);
    if (moves.some((move) => move.line !== DEAD && move.line !== DELAYED)) this.#onReady();
  }
}
