/** The jobs of one queue in memory: a map of all, and for each line the keys in order. */

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
import { recordId } from '../job-record.ts';
import type { QueueCounter, QueuePause } from '../messages/operator.ts';
import type { Watermark } from '../messages/schedule.ts';

interface Row {
  record: string;
  line: Line;
  /** What the line is ordered by. */
  order: number;
}

export class MemoryShelf implements Shelf {
  readonly #rows = new Map<JobKey, Row>();
  readonly #lines = new Map<Line, JobKey[]>();
  readonly #unique = new Map<string, string>();
  readonly #marks = new Map<string, { answer: readonly (string | null)[]; untilAt: EpochMs }>();
  readonly #watermarks = new Map<string, Watermark>();
  readonly #results = new Map<string, KeptResult>();
  readonly #counters = { ...NO_COUNTERS };
  #pause = NEVER_PAUSED;
  #lastKey = 0;
  #head = 0;
  #tail = 0;

  count(line: Line): number {
    return this.#line(line).length;
  }

  add(jobs: readonly NewJob[]): void {
    for (const { record, line, rank } of jobs) {
      const key = ++this.#lastKey;
      this.#rows.set(key, { record, line, order: 0 });
      this.#insert(key, line, rank);
    }
  }

  take(lines: readonly Line[], count: number, bytes: number): Shelved[] {
    const taken: Shelved[] = [];
    let size = 0;
    for (const line of lines) {
      const keys = this.#line(line);
      while (keys.length > 0 && taken.length < count && size < bytes) {
        const key = keys.shift() as JobKey;
        const row = this.#row(key);
        size += row.record.length;
        this.#insert(key, IN_FLIGHT, 'tail');
        taken.push({ key, record: row.record });
      }
    }
    return taken;
  }

  read(keys: readonly JobKey[]): Map<JobKey, string> {
    return new Map(keys.filter((key) => this.#rows.has(key)).map((key) => [key, this.#row(key).record]));
  }

  move(_from: Line, moves: readonly Move[]): void {
    const heads = moves.filter((move) => move.rank === 'head').reverse();
    for (const { key, record, line, rank } of [...moves.filter((move) => move.rank !== 'head'), ...heads]) {
      if (record !== null) this.#row(key).record = record;
      this.#leave(key);
      this.#insert(key, line, rank);
    }
  }

  remove(_from: Line, keys: readonly JobKey[]): void {
    for (const key of keys) {
      this.#leave(key);
      this.#rows.delete(key);
    }
  }

  first(line: Line, count: number, bytes: number): Shelved[] {
    const found: Shelved[] = [];
    let size = 0;
    for (const key of this.#line(line).slice(0, count)) {
      if (size >= bytes) break;
      const { record } = this.#row(key);
      found.push({ key, record });
      size += record.length;
    }
    return found;
  }

  due(now: EpochMs, limit: number): Shelved[] {
    return this.#line(DELAYED)
      .slice(0, limit)
      .filter((key) => this.#row(key).order <= now)
      .map((key) => ({ key, record: this.#row(key).record }));
  }

  nextDueAt(): EpochMs | null {
    const [key] = this.#line(DELAYED);
    return key === undefined ? null : this.#row(key).order;
  }

  trimDead(count: number, since: EpochMs): void {
    const dead = this.#line(DEAD);
    const tooMany = dead.slice(0, Math.max(0, dead.length - count));
    this.remove(DEAD, tooMany);
    this.remove(
      DEAD,
      dead.filter((key) => this.#row(key).order < since),
    );
  }

  heads(): Shelved[] {
    return [...READY_LINES, SUSPECTS].flatMap((line) => this.list([line], 1, 1));
  }

  list(lines: readonly Line[], limit: number, bytes: number): Found[] {
    const keys = lines.flatMap((line) => (line === DEAD ? this.#line(line).toReversed() : this.#line(line)));
    const found: Found[] = [];
    let size = 0;
    for (const key of keys.slice(0, limit)) {
      if (size >= bytes) break;
      const job = this.#found(key);
      found.push(job);
      size += job.record.length;
    }
    return found;
  }

  find(id: string): Found | null {
    for (const [key, row] of this.#rows) if (recordId(row.record) === id) return this.#found(key);
    return null;
  }

  holderOf(unique: string): string | null {
    return this.#unique.get(unique) ?? null;
  }

  hold(unique: string, id: string): void {
    this.#unique.set(unique, id);
  }

  release(unique: string, id: string): void {
    if (this.#unique.get(unique) === id) this.#unique.delete(unique);
  }

  answerTo(batchId: string): readonly (string | null)[] | null {
    return this.#marks.get(batchId)?.answer ?? null;
  }

  remember(batchId: string, answer: readonly (string | null)[], untilAt: EpochMs): void {
    this.#marks.set(batchId, { answer, untilAt });
  }

  watermark(schedule: string): Watermark | null {
    return this.#watermarks.get(schedule) ?? null;
  }

  setWatermark(schedule: string, watermark: Watermark): void {
    this.#watermarks.set(schedule, watermark);
  }

  get pause(): QueuePause {
    return this.#pause;
  }

  setPause(pause: QueuePause): void {
    this.#pause = pause;
  }

  keepResults(results: readonly KeptResult[]): void {
    for (const result of results) this.#results.set(result.id, result);
  }

  results(ids: readonly string[], now: EpochMs): (string | null)[] {
    return ids.map((id) => {
      const result = this.#results.get(id);
      return result === undefined || now >= result.untilAt ? null : result.json;
    });
  }

  dropResult(id: string): void {
    this.#results.delete(id);
  }

  purge(now: EpochMs): void {
    for (const [id, mark] of this.#marks) if (now > mark.untilAt) this.#marks.delete(id);
    for (const [id, result] of this.#results) if (now >= result.untilAt) this.#results.delete(id);
  }

  tally(counter: QueueCounter, by: number): void {
    this.#counters[counter] += by;
  }

  counters(): Readonly<Record<QueueCounter, number>> {
    return { ...this.#counters };
  }

  /** Nothing is ever taken back: memory does not fail half-way. */
  onRollback(): void {}

  #line(line: Line): JobKey[] {
    let keys = this.#lines.get(line);
    if (keys === undefined) {
      keys = [];
      this.#lines.set(line, keys);
    }
    return keys;
  }

  #row(key: JobKey): Row {
    const row = this.#rows.get(key);
    if (row === undefined) throw new RangeError(`no job ${key}`);
    return row;
  }

  #found(key: JobKey): Found {
    const { record, line, order } = this.#row(key);
    return { key, record, line, at: order };
  }

  #leave(key: JobKey): void {
    const keys = this.#line(this.#row(key).line);
    const at = keys.indexOf(key);
    if (at >= 0) keys.splice(at, 1);
  }

  #insert(key: JobKey, line: Line, rank: Rank): void {
    const row = this.#row(key);
    const keys = this.#line(line);
    row.line = line;
    row.order = rank === 'tail' ? ++this.#tail : rank === 'head' ? --this.#head : rank;
    let at = keys.length;
    while (at > 0 && this.#row(keys[at - 1] as JobKey).order > row.order) at -= 1;
    keys.splice(at, 0, key);
  }
}
