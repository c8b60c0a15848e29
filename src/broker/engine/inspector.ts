/** What an operator may see of a queue; changes nothing. */

import type { EpochMs } from '../../lib/clock.ts';
import { recordId } from '../job-record.ts';
import { BATCH_BYTES_LIMIT } from '../messages/batch.ts';
import type { JobState, ListRequest, QueueStats, StoredJob } from '../messages/operator.ts';
import type { Sessions } from './sessions.ts';
import {
  DEAD,
  DELAYED,
  type Found,
  IN_FLIGHT,
  type JobKey,
  type Line,
  READY_LINES,
  readyCount,
  type Shelf,
  SUSPECTS,
} from './shelf.ts';

/** The time in the first 48 bits of a UUIDv7. */
const bornAt = (id: string): EpochMs => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

const LINES_OF: Readonly<Record<JobState, readonly Line[]>> = {
  ready: [SUSPECTS, ...READY_LINES],
  delayed: [DELAYED],
  in_flight: [IN_FLIGHT],
  dead: [DEAD],
};

export class Inspector {
  readonly #queue: string;
  readonly #shelf: Shelf;
  readonly #sessions: Sessions;

  constructor(queue: string, shelf: Shelf, sessions: Sessions) {
    this.#queue = queue;
    this.#shelf = shelf;
    this.#sessions = sessions;
  }

  results(now: EpochMs, ids: readonly string[]): (string | null)[] {
    return this.#shelf.results(ids, now);
  }

  stats(now: EpochMs): QueueStats {
    const born = this.#shelf.heads().map((job) => bornAt(recordId(job.record)));
    const oldest = born.filter(Number.isFinite);
    return {
      queue: this.#queue,
      ready: readyCount(this.#shelf) + this.#shelf.count(SUSPECTS),
      delayed: this.#shelf.count(DELAYED),
      inFlight: this.#shelf.count(IN_FLIGHT),
      dead: this.#shelf.count(DEAD),
      oldestReadyMs: oldest.length === 0 ? null : Math.max(0, now - Math.min(...oldest)),
      pause: this.#shelf.pause,
      counters: this.#shelf.counters(),
    };
  }

  list(request: ListRequest): StoredJob[] {
    const found = this.#shelf.list(LINES_OF[request.state], request.limit, BATCH_BYTES_LIMIT);
    const holders = request.state === 'in_flight' ? this.#sessions.holders() : null;
    return found.map((job) => stored(job, holders));
  }

  find(id: string): StoredJob | null {
    const found = this.#shelf.find(id);
    return found === null ? null : stored(found, found.line === IN_FLIGHT ? this.#sessions.holders() : null);
  }
}

function stored(job: Found, holders: Map<JobKey, string> | null): StoredJob {
  const { line, record } = job;
  if (line === DELAYED) return { state: 'delayed', record, at: job.at, daemon: null };
  if (line === DEAD) return { state: 'dead', record, at: job.at, daemon: null };
  if (line === IN_FLIGHT)
    return { state: 'in_flight', record, at: null, daemon: holders?.get(job.key) ?? null };
  return { state: 'ready', record, at: null, daemon: null };
}
