/**
 * Where the jobs of one queue stand. The queue's rules (queue.ts) decide, a shelf keeps: in memory (memory/), or as rows
 * of a database (embedded/). All its verbs are synchronous, and what one exchange does to it is kept whole or not at all.
 */

import type { EpochMs } from '../../lib/clock.ts';
import type { QueueCounter, QueuePause } from '../messages/operator.ts';
import type { Watermark } from '../messages/schedule.ts';

/** A shelf's own name of a job, stable while the job is stored. */
export type JobKey = number;

/**
 * The one place a job is in. 10 to 19 are the ready lines of priorities 0 to 9. Within a ready line jobs stand by rank,
 * in `DELAYED` by due time, in `DEAD` by time of death.
 */
export type Line = number;
export const READY = 10;
export const SUSPECTS = 20;
export const DELAYED = 30;
export const IN_FLIGHT = 40;
export const DEAD = 50;

/** The ready lines, first to be served first. */
export const READY_LINES: readonly Line[] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
export const READY_LINES_REVERSED: readonly Line[] = [...READY_LINES].reverse();

export interface Shelved {
  readonly key: JobKey;
  readonly record: string;
}

export interface Found extends Shelved {
  readonly line: Line;
  /** Due time in `DELAYED`, time of death in `DEAD`, else without meaning. */
  readonly at: number;
}

/** `head` and `tail` of a ready line or the suspects; a time in `DELAYED` and `DEAD`. */
export type Rank = 'head' | 'tail' | EpochMs;

export interface NewJob {
  readonly record: string;
  readonly line: Line;
  readonly rank: Rank;
}

export interface Move {
  readonly key: JobKey;
  /** The new record; null leaves it as it is. */
  readonly record: string | null;
  readonly line: Line;
  readonly rank: Rank;
}

export interface KeptResult {
  readonly id: string;
  readonly json: string;
  readonly untilAt: EpochMs;
}

export interface Shelf {
  count(line: Line): number;
  add(jobs: readonly NewJob[]): void;
  /**
   * Puts the first jobs of the lines, in the order given, in flight: at most `count`, none after the one that passes
   * `bytes`.
   */
  take(lines: readonly Line[], count: number, bytes: number): Shelved[];
  /** Those of the keys that are stored. */
  read(keys: readonly JobKey[]): Map<JobKey, string>;
  /** Moves jobs that all stand in `from`. Of several moves to the head of one line the first comes to stand first. */
  move(from: Line, moves: readonly Move[]): void;
  /** Ends jobs that all stand in `from`. */
  remove(from: Line, keys: readonly JobKey[]): void;
  /** The first jobs of a line as it is ordered: at most `count`, none after the one that passes `bytes`. */
  first(line: Line, count: number, bytes: number): Shelved[];

  /** The delayed jobs that are due, the earliest first; of each record at least the header. */
  due(now: EpochMs, limit: number): Shelved[];
  nextDueAt(): EpochMs | null;
  /** Keeps the latest `count` dead jobs, and of them those that died at `since` or later. */
  trimDead(count: number, since: EpochMs): void;

  /** The first of each ready line that has one, and of the suspects; of each record at least the header. */
  heads(): Shelved[];
  /** In the order of service; `DEAD`: the latest first. At most `limit`, none after the one that passes `bytes`. */
  list(lines: readonly Line[], limit: number, bytes: number): Found[];
  find(id: string): Found | null;

  holderOf(unique: string): string | null;
  hold(unique: string, id: string): void;
  /** Only if that job holds it. */
  release(unique: string, id: string): void;

  /** The stored answer to an enqueue batch, or null when it is unknown. */
  answerTo(batchId: string): readonly (string | null)[] | null;
  remember(batchId: string, answer: readonly (string | null)[], untilAt: EpochMs): void;

  watermark(schedule: string): Watermark | null;
  setWatermark(schedule: string, watermark: Watermark): void;

  readonly pause: QueuePause;
  setPause(pause: QueuePause): void;

  keepResults(results: readonly KeptResult[]): void;
  /** See `BrokerClient`. */
  results(ids: readonly string[], now: EpochMs): (string | null)[];
  dropResult(id: string): void;

  /** Drops batch marks and results that are past their time. */
  purge(now: EpochMs): void;

  tally(counter: QueueCounter, by: number): void;
  counters(): Readonly<Record<QueueCounter, number>>;

  /** Called, last first, when what was done since is not kept: whoever changed something beside the shelf puts it back. */
  onRollback(undo: () => void): void;
}

/** Jobs that could be claimed, suspects left out. */
export function readyCount(shelf: Shelf): number {
  let ready = 0;
  for (const line of READY_LINES) ready += shelf.count(line);
  return ready;
}

export const NEVER_PAUSED: QueuePause = { version: 0, pausedAt: null };

export const NO_COUNTERS: Readonly<Record<QueueCounter, number>> = {
  enqueued: 0,
  completed: 0,
  retried: 0,
  dead: 0,
  expired: 0,
  cancelled: 0,
  refused: 0,
  reclaimed: 0,
};
