/** What an exchange claims: what is due becomes ready, the first jobs go in flight, those past their time are dropped. */

import type { EpochMs } from '../../lib/clock.ts';
import { recordId, tokenOf } from '../job-record.ts';
import { BATCH_BYTES_LIMIT, BATCH_LIMIT } from '../messages/batch.ts';
import type { ClaimedJob, ExchangeDone, ExchangeRequest } from '../messages/exchange.ts';
import { EXPIRED_RESULT } from '../unrun-results.ts';
import type { DeadJobs } from './dead-jobs.ts';
import { type Header, readHeader, readStanding } from './header.ts';
import { readyLine } from './placement.ts';
import type { Session } from './sessions.ts';
import {
  DELAYED,
  IN_FLIGHT,
  type JobKey,
  type Move,
  READY_LINES,
  READY_LINES_REVERSED,
  readyCount,
  type Shelf,
  SUSPECTS,
} from './shelf.ts';

const PROMOTE_CHUNK = 1_000;
/** Every so many numbers of a lane the lowest priority is served first: strict order would starve it. */
const FAIR_EVERY = 8;

export type Claimed = Pick<ExchangeDone, 'jobs' | 'dropped' | 'more' | 'suspects' | 'nextDueMs'>;
type Claim = Pick<Claimed, 'jobs' | 'dropped'>;

export class Claimer {
  readonly #shelf: Shelf;
  readonly #dead: DeadJobs;
  readonly #onReady: () => void;

  /** `onReady`: something to claim was added. */
  constructor(shelf: Shelf, dead: DeadJobs, onReady: () => void) {
    this.#shelf = shelf;
    this.#dead = dead;
    this.#onReady = onReady;
  }

  promote(now: EpochMs): void {
    if (this.#shelf.count(DELAYED) === 0) return;
    const moves = this.#shelf.due(now, PROMOTE_CHUNK).map(
      ({ key, record }): Move => ({
        key,
        record: null,
        line: readyLine(readStanding(record)),
        rank: 'tail',
      }),
    );
    this.#shelf.move(DELAYED, moves);
    if (moves.length > 0) this.#onReady();
  }

  claim(session: Session, request: ExchangeRequest, now: EpochMs): Claimed {
    const claim = this.#take(session, request, now);
    const dueAt = this.#shelf.nextDueAt();
    return {
      ...claim,
      more: readyCount(this.#shelf) > 0,
      suspects: this.#shelf.count(SUSPECTS) > 0,
      nextDueMs: dueAt === null ? null : Math.max(0, dueAt - now),
    };
  }

  #take(session: Session, request: ExchangeRequest, now: EpochMs): Claim {
    const alone = request.alone && this.#shelf.count(SUSPECTS) > 0;
    const lines = alone ? [SUSPECTS] : request.number % FAIR_EVERY === 0 ? READY_LINES_REVERSED : READY_LINES;
    const want = Math.min(request.want, alone ? 1 : BATCH_LIMIT);
    const jobs: ClaimedJob[] = [];
    const dropped: { id: string; reason: 'expired' | 'corrupt' }[] = [];
    let bytes = 0;
    while (jobs.length < want && bytes < BATCH_BYTES_LIMIT && dropped.length < BATCH_LIMIT) {
      const taken = this.#shelf.take(lines, want - jobs.length, BATCH_BYTES_LIMIT - bytes);
      if (taken.length === 0) break;
      for (const { key, record } of taken) {
        bytes += record.length;
        const header = readHeader(record);
        if (header === null) {
          dropped.push({ id: recordId(record), reason: 'corrupt' });
          this.#dead.bury([key], now);
        } else if (header.expiresAt !== 0 && now >= header.expiresAt) {
          dropped.push({ id: header.id, reason: 'expired' });
          this.#expire(key, header, now + request.droppedResultTtlMs);
        } else {
          const token = tokenOf(header.id, header.claims + 1);
          session.inFlight.set(token, { key, unique: header.unique });
          jobs.push({ token, record, alone });
        }
      }
    }
    return { jobs, dropped };
  }

  #expire(key: JobKey, { id, unique, keepResult }: Header, untilAt: EpochMs): void {
    this.#shelf.remove(IN_FLIGHT, [key]);
    this.#shelf.tally('expired', 1);
    if (unique !== null) this.#shelf.release(unique, id);
    if (!keepResult) return;
    this.#shelf.keepResults([{ id, json: EXPIRED_RESULT, untilAt }]);
  }
}
