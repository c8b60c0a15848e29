/** The jobs of one queue as rows. Batches go in and out as one JSON text each: a statement per batch, not per job. */

import type { EpochMs } from '../../lib/clock.ts';
import {
  DEAD,
  DELAYED,
  type Found,
  IN_FLIGHT,
  type JobKey,
  type KeptResult,
  type Line,
  type Move,
  NEVER_PAUSED,
  type NewJob,
  NO_COUNTERS,
  type Rank,
  READY_LINES,
  type Shelf,
  type Shelved,
  SUSPECTS,
} from '../engine/shelf.ts';
import { HEADER_LENGTH } from '../job-record.ts';
import { BATCH_BYTES_LIMIT } from '../messages/batch.ts';
import type { QueueCounter, QueuePause } from '../messages/operator.ts';
import type { Watermark } from '../messages/schedule.ts';
import type { SqlShelves } from './sql-shelves.ts';
import type { Statements } from './statements.ts';

export type Counters = Record<QueueCounter, number>;

/** What a shelf knows beside its rows; put back when a transaction is. */
interface Totals {
  counts: Map<Line, number>;
  counters: Counters;
  head: number;
  tail: number;
  pause: QueuePause;
}

export class SqlShelf implements Shelf {
  readonly id: number;
  readonly name: string;
  readonly #all: SqlShelves;
  readonly #sql: Statements;
  #totals: Totals;
  #state: 'clean' | 'touched' = 'clean';

  constructor(all: SqlShelves, queue: { id: number; name: string; counters: Counters }) {
    this.id = queue.id;
    this.name = queue.name;
    this.#all = all;
    this.#sql = all.statements;
    const pause = this.#sql.pause.get([this.id]) as [number, EpochMs | null] | undefined;
    this.#totals = {
      counts: new Map(),
      counters: { ...NO_COUNTERS, ...queue.counters },
      head: 0,
      tail: 0,
      pause: pause === undefined ? NEVER_PAUSED : { version: pause[0], pausedAt: pause[1] },
    };
    for (const [line, count, first, last] of this.#sql.totals.all([this.id]) as [
      Line,
      number,
      number,
      number,
    ][]) {
      this.#totals.counts.set(line, count);
      if (line === DELAYED || line === DEAD) continue;
      this.#totals.head = Math.min(this.#totals.head, first);
      this.#totals.tail = Math.max(this.#totals.tail, last);
    }
  }

  count(line: Line): number {
    return this.#totals.counts.get(line) ?? 0;
  }

  add(jobs: readonly NewJob[]): void {
    if (jobs.length === 0) return;
    this.#touch();
    const first = this.#all.lastKey + 1;
    this.#all.lastKey += jobs.length;
    const records = jobs.map((job) => job.record);
    this.#sql.addRecords.run([first, JSON.stringify(records)]);
    const places = jobs.map(({ line, rank }) => [line, this.#order(rank)]);
    this.#sql.addPlaces.run([first, this.id, JSON.stringify(places)]);
    for (const { line } of jobs) this.#add(line, 1);
    this.#noteLargest(records);
  }

  take(lines: readonly Line[], count: number, bytes: number): Shelved[] {
    const taken: Shelved[] = [];
    let size = 0;
    for (const line of lines) {
      const jobs = size < bytes ? this.first(line, count - taken.length, bytes - size) : [];
      if (jobs.length === 0) continue;
      this.#touch();
      this.#sql.setLine.run([IN_FLIGHT, JSON.stringify(jobs.map(({ key }) => key))]);
      this.#add(line, -jobs.length);
      this.#add(IN_FLIGHT, jobs.length);
      for (const { record } of jobs) size += record.length;
      taken.push(...jobs);
    }
    return taken;
  }

  read(keys: readonly JobKey[]): Map<JobKey, string> {
    if (keys.length === 0) return new Map();
    const rows = new Map(this.#sql.read.all([JSON.stringify(keys)]) as [JobKey, string][]);
    return new Map(keys.flatMap((key) => (rows.has(key) ? [[key, rows.get(key) as string] as const] : [])));
  }

  move(from: Line, moves: readonly Move[]): void {
    if (moves.length === 0) return;
    this.#touch();
    const records = moves.filter((move) => move.record !== null);
    if (records.length > 0) {
      this.#sql.setRecords.run([JSON.stringify(records.map(({ key, record }) => [key, record]))]);
      this.#noteLargest(records.map(({ record }) => record ?? ''));
    }
    const places: [JobKey, Line, number][] = [];
    for (const { key, line, rank } of moves) if (rank !== 'head') places.push([key, line, this.#order(rank)]);
    for (const { key, line, rank } of moves.toReversed()) {
      if (rank === 'head') places.push([key, line, this.#order(rank)]);
    }
    this.#sql.setPlaces.run([JSON.stringify(places)]);
    this.#add(from, -moves.length);
    for (const { line } of moves) this.#add(line, 1);
  }

  remove(from: Line, keys: readonly JobKey[]): void {
    if (keys.length === 0) return;
    this.#touch();
    const list = JSON.stringify(keys);
    this.#sql.removeRecords.run([list]);
    this.#sql.removePlaces.run([list]);
    this.#add(from, -keys.length);
  }

  first(line: Line, count: number, bytes: number): Shelved[] {
    const want = Math.min(count, this.count(line));
    if (want <= 0) return [];
    const limit = this.#withinBytes(line, want, bytes);
    const rows = this.#sql.first.all([this.id, line, limit]) as [JobKey, string][];
    return rows.map(([key, record]) => ({ key, record }));
  }

  due(now: EpochMs, limit: number): Shelved[] {
    const rows = this.#sql.due.all([HEADER_LENGTH, this.id, DELAYED, now, limit]) as [JobKey, string][];
    return rows.map(([key, record]) => ({ key, record }));
  }

  nextDueAt(): EpochMs | null {
    if (this.count(DELAYED) === 0) return null;
    return (this.#sql.nextDue.get([this.id, DELAYED]) as [EpochMs] | undefined)?.[0] ?? null;
  }

  trimDead(count: number, since: EpochMs): void {
    const tooMany = Math.max(0, this.count(DEAD) - count);
    const keys = (this.#sql.oldDead.all([this.id, DEAD, since, this.id, DEAD, tooMany]) as [JobKey][]).map(
      ([key]) => key,
    );
    this.remove(DEAD, keys);
  }

  heads(): Shelved[] {
    const lines = [...READY_LINES, SUSPECTS].filter((line) => this.count(line) > 0);
    const rows = lines.flatMap(
      (line) => this.#sql.heads.all([HEADER_LENGTH, this.id, line]) as [JobKey, string][],
    );
    return rows.map(([key, record]) => ({ key, record }));
  }

  list(lines: readonly Line[], limit: number, bytes: number): Found[] {
    const found: Found[] = [];
    let size = 0;
    for (const line of lines) {
      const want = Math.min(limit - found.length, this.count(line));
      if (want <= 0 || size >= bytes) continue;
      const [jobs, sizes] =
        line === DEAD ? [this.#sql.listLatest, this.#sql.sizesLatest] : [this.#sql.list, this.#sql.sizes];
      const count = this.#withinBytes(line, want, bytes - size, sizes);
      for (const [key, record, at] of jobs.all([this.id, line, count]) as [JobKey, string, number][]) {
        found.push({ key, record, line, at });
        size += record.length;
      }
    }
    return found;
  }

  find(id: string): Found | null {
    const row = this.#sql.find.get([id, this.id]) as [JobKey, string, Line, number] | undefined;
    return row === undefined ? null : { key: row[0], record: row[1], line: row[2], at: row[3] };
  }

  holderOf(unique: string): string | null {
    return (this.#sql.holderOf.get([this.id, unique]) as [string] | undefined)?.[0] ?? null;
  }

  hold(unique: string, id: string): void {
    this.#sql.hold.run([this.id, unique, id]);
  }

  release(unique: string, id: string): void {
    this.#sql.release.run([this.id, unique, id]);
  }

  answerTo(batchId: string): readonly (string | null)[] | null {
    const row = this.#sql.answerTo.get([this.id, batchId]) as [number, string | null] | undefined;
    if (row === undefined) return null;
    return row[1] === null ? Array<null>(row[0]).fill(null) : (JSON.parse(row[1]) as (string | null)[]);
  }

  remember(batchId: string, answer: readonly (string | null)[], untilAt: EpochMs): void {
    const text = answer.every((existing) => existing === null) ? null : JSON.stringify(answer);
    this.#sql.remember.run([this.id, batchId, answer.length, text, untilAt]);
    this.#all.noteMortal(1);
  }

  watermark(schedule: string): Watermark | null {
    const row = this.#sql.watermark.get([this.id, schedule]) as [EpochMs, string | null] | undefined;
    return row === undefined ? null : { tick: row[0], holder: row[1] };
  }

  setWatermark(schedule: string, { tick, holder }: Watermark): void {
    this.#touch(); // the queue's own row must be there when the file is opened again
    this.#sql.setWatermark.run([this.id, schedule, tick, holder]);
  }

  get pause(): QueuePause {
    return this.#totals.pause;
  }

  setPause(pause: QueuePause): void {
    this.#touch();
    this.#totals.pause = pause;
    this.#sql.setPause.run([this.id, pause.version, pause.pausedAt]);
  }

  keepResults(results: readonly KeptResult[]): void {
    if (results.length === 0) return;
    const rows = results.map(({ id, json, untilAt }) => [id, json, Math.trunc(untilAt)]);
    this.#sql.keepResults.run([this.id, JSON.stringify(rows)]);
    this.#all.noteMortal(rows.length);
  }

  results(ids: readonly string[], now: EpochMs): (string | null)[] {
    const asked = ids.length > 1 ? this.#resultsWithinBytes(ids, now) : ids;
    if (asked.length === 0) return ids.map(() => null);
    const rows = new Map(this.#sql.results.all([this.id, now, JSON.stringify(asked)]) as [string, string][]);
    return ids.map((id) => rows.get(id) ?? null);
  }

  dropResult(id: string): void {
    this.#sql.dropResult.run([this.id, id]);
  }

  /** Of all queues: one that no daemon serves is never swept itself. */
  purge(now: EpochMs): void {
    this.#all.askPurge(now);
  }

  tally(counter: QueueCounter, by: number): void {
    if (by === 0) return;
    this.#touch();
    this.#totals.counters[counter] += by;
  }

  counters(): Readonly<Counters> {
    return { ...this.#totals.counters };
  }

  onRollback(undo: () => void): void {
    this.#all.onRollback(undo);
  }

  /** The latest of the jobs in flight, the last first. */
  lastInFlight(limit: number): JobKey[] {
    return (this.#sql.inFlight.all([this.id, IN_FLIGHT, limit]) as [JobKey][]).map(([key]) => key);
  }

  flush(): void {
    if (this.#state === 'clean') return;
    this.#state = 'clean';
    this.#sql.setQueue.run([this.id, this.name, JSON.stringify(this.#totals.counters)]);
  }

  /** Once per transaction: remembers the totals as they were. */
  #touch(): void {
    if (this.#state === 'touched') return;
    this.#state = 'touched';
    const before = {
      ...this.#totals,
      counts: new Map(this.#totals.counts),
      counters: { ...this.#totals.counters },
    };
    this.#all.onRollback(() => {
      this.#totals = before;
      this.#state = 'clean';
    });
  }

  /** How many of the first `want` jobs may be read: none after the one that passes `bytes`. */
  #withinBytes(line: Line, want: number, bytes: number, sizes = this.#sql.sizes): number {
    if (want * this.#all.largest <= bytes) return want;
    let size = 0;
    let count = 0;
    for (const [length] of sizes.all([this.id, line, want]) as [number][]) {
      count += 1;
      size += length;
      if (size >= bytes) break;
    }
    return count;
  }

  /** Those of the ids whose results are there, in their order: none after the one that passes BATCH_BYTES_LIMIT. */
  #resultsWithinBytes(ids: readonly string[], now: EpochMs): string[] {
    const rows = this.#sql.resultSizes.all([this.id, now, JSON.stringify(ids)]) as [string, number][];
    const sizes = new Map(rows);
    const within: string[] = [];
    let size = 0;
    for (const id of ids) {
      const own = sizes.get(id);
      if (own === undefined) continue;
      within.push(id);
      size += own;
      if (size >= BATCH_BYTES_LIMIT) break;
    }
    return within;
  }

  #noteLargest(records: readonly string[]): void {
    let largest = this.#all.largest;
    for (const record of records)
      if (record.length * 3 > largest) largest = Math.max(largest, Buffer.byteLength(record));
    const before = this.#all.largest;
    if (largest <= before) return;
    this.#all.onRollback(() => {
      this.#all.largest = before;
    });
    this.#all.largest = largest;
    this.#all.setMeta('largest', largest);
  }

  #order(rank: Rank): number {
    if (rank === 'tail') return ++this.#totals.tail;
    if (rank === 'head') return --this.#totals.head;
    return Math.trunc(rank);
  }

  #add(line: Line, by: number): void {
    this.#totals.counts.set(line, this.count(line) + by);
  }
}
