/** What an operator does to single jobs and to all of one state, by the rules of the broker contract. */

import type { EpochMs } from '../../lib/clock.ts';
import { recordId } from '../job-record.ts';
import { BATCH_BYTES_LIMIT } from '../messages/batch.ts';
import type {
  DeleteReply,
  DeleteRequest,
  JobTarget,
  PurgeReply,
  PurgeRequest,
  PurgeState,
  RetryReply,
} from '../messages/operator.ts';
import { DELETED_RESULT } from '../unrun-results.ts';
import { readHeader, rewrite } from './header.ts';
import { readyLine } from './placement.ts';
import {
  DEAD,
  DELAYED,
  IN_FLIGHT,
  type KeptResult,
  type Line,
  READY_LINES,
  type Shelf,
  type Shelved,
  SUSPECTS,
} from './shelf.ts';

const MARK_MS = 60_000;

const LINES_OF: Readonly<Record<PurgeState, readonly Line[]>> = {
  ready: [SUSPECTS, ...READY_LINES],
  delayed: [DELAYED],
  dead: [DEAD],
};

export class Operator {
  readonly #shelf: Shelf;
  readonly #onReady: () => void;

  /** `onReady`: something to claim was added. */
  constructor(shelf: Shelf, onReady: () => void) {
    this.#shelf = shelf;
    this.#onReady = onReady;
  }

  retry(now: EpochMs, { id, claims }: JobTarget): RetryReply {
    const found = this.#shelf.find(id);
    if (found === null) return { status: 'gone' };
    if (found.line === IN_FLIGHT) return { status: 'in_flight' };
    if (found.line !== DEAD && found.line !== DELAYED) return { status: 'ready' };
    const header = readHeader(found.record);
    if (header === null || header.claims !== claims) return { status: 'changed' };
    if (header.expiresAt !== 0 && now >= header.expiresAt) return { status: 'expired' };
    if (header.unique !== null) {
      const holder = this.#shelf.holderOf(header.unique) ?? id;
      if (holder !== id) return { status: 'held', holder };
      if (found.line === DEAD) this.#shelf.hold(header.unique, id);
    }
    const counters = { claims: claims + 1, failures: 0, crashes: 0, recoveries: 0 };
    const line = readyLine({ ...header, ...counters });
    const record = rewrite(found.record, counters);
    this.#shelf.move(found.line, [{ key: found.key, record, line, rank: 'tail' }]);
    this.#shelf.dropResult(id);
    this.#onReady();
    return { status: 'ready' };
  }

  delete(now: EpochMs, { id, claims, resultTtlMs }: DeleteRequest): DeleteReply {
    const found = this.#shelf.find(id);
    if (found === null) return { status: 'gone' };
    if (found.line === IN_FLIGHT) return { status: 'in_flight' };
    if (readHeader(found.record)?.claims !== claims) return { status: 'changed' };
    this.#remove(found.line, [found], now + resultTtlMs);
    return { status: 'gone' };
  }

  /** `highest`: the highest time seen, as for an enqueue. */
  purge(now: EpochMs, highest: EpochMs, request: PurgeRequest): PurgeReply {
    if (highest > request.notAfterAt) return { status: 'late', now: highest };
    const lines = LINES_OF[request.state];
    const known = this.#shelf.answerTo(request.id);
    let removed = Number(known?.[0] ?? 0);
    if (known === null) {
      let left = BATCH_BYTES_LIMIT;
      for (const line of lines) {
        const jobs = left > 0 ? this.#shelf.first(line, request.limit - removed, left) : [];
        this.#remove(line, jobs, now + request.resultTtlMs);
        for (const { record } of jobs) left -= record.length;
        removed += jobs.length;
      }
      this.#shelf.remember(request.id, [String(removed)], request.notAfterAt + MARK_MS);
    }
    const more = lines.some((line) => this.#shelf.count(line) > 0);
    return { status: 'purged', removed, more, now: highest };
  }

  /** Dead jobs hold no unique key, and have their result already. */
  #remove(line: Line, jobs: readonly Shelved[], resultsUntilAt: EpochMs): void {
    this.#shelf.remove(
      line,
      jobs.map(({ key }) => key),
    );
    if (line === DEAD) return;
    const results: KeptResult[] = [];
    for (const { record } of jobs) {
      const header = readHeader(record);
      const id = recordId(record);
      if (header?.unique != null) this.#shelf.release(header.unique, id);
      if (header?.keepResult) results.push({ id, json: DELETED_RESULT, untilAt: resultsUntilAt });
    }
    this.#shelf.keepResults(results);
    this.#shelf.tally('cancelled', jobs.length);
  }
}
