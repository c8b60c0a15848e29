import type Database from 'libsql';
import type { EpochMs } from '../../lib/clock.ts';
import { type JobKey, NO_COUNTERS } from '../engine/shelf.ts';
import { type Counters, SqlShelf } from './sql-shelf.ts';
import { prepare, type Statements } from './statements.ts';

/** What one transaction drops at most of marks, and of results, unless it stores more: some milliseconds. */
const PURGE_ROWS = 2_000;

/** The whole file: numbers keys and queues, and remembers how to take a transaction back. */
export class SqlShelves {
  readonly statements: Statements;
  lastKey: JobKey;
  /** The largest record ever stored, in bytes: whether a claim must look at sizes before it reads. */
  largest: number;
  readonly #shelves = new Map<string, SqlShelf>();
  #undo: (() => void)[] = [];
  /** What was past its time then is being dropped. */
  #purging: EpochMs | null = null;
  /** Marks and results that this transaction stored. */
  #mortal = 0;

  constructor(database: Database.Database) {
    this.statements = prepare(database);
    this.lastKey = (this.statements.lastKey.get() as [number | null])[0] ?? 0;
    this.largest = this.meta('largest');
    for (const [id, name, counters] of this.statements.queues.all() as [number, string, string][]) {
      this.#shelves.set(name, new SqlShelf(this, { id, name, counters: JSON.parse(counters) as Counters }));
    }
  }

  shelf(name: string): SqlShelf {
    let shelf = this.#shelves.get(name);
    if (shelf === undefined) {
      const id = Math.max(0, ...[...this.#shelves.values()].map((other) => other.id)) + 1;
      shelf = new SqlShelf(this, { id, name, counters: { ...NO_COUNTERS } });
      this.#shelves.set(name, shelf);
    }
    return shelf;
  }

  names(): string[] {
    return [...this.#shelves.keys()];
  }

  meta(name: string): number {
    return (this.statements.meta.get([name]) as [number] | undefined)?.[0] ?? 0;
  }

  setMeta(name: string, value: number): void {
    this.statements.setMeta.run([name, value]);
  }

  noteMortal(count: number): void {
    this.#mortal += count;
  }

  askPurge(now: EpochMs): void {
    this.#purging = now;
  }

  /**
   * Drops marks and results that are past their time: so many that nothing else waits long, and twice as many as the
   * transaction stores, so that they never pile up. The next transactions drop what is left.
   */
  purge(): void {
    const now = this.#purging;
    if (now === null) return;
    const limit = Math.max(PURGE_ROWS, 2 * this.#mortal);
    const marks = this.statements.purgeMarks.run([now, limit]).changes;
    if (marks > 0) this.setMeta('highest_time', now);
    const results = this.statements.purgeResults.run([now, limit]).changes;
    if (marks < limit && results < limit) this.#purging = null;
  }

  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Writes what shelves count in memory: last in a transaction. */
  flush(): void {
    for (const shelf of this.#shelves.values()) shelf.flush();
  }

  committed(): void {
    this.#undo = [];
    this.#mortal = 0;
  }

  rolledBack(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
    this.#mortal = 0;
    // On a full disk the transaction must get through without it; the next sweep asks anew.
    this.#purging = null;
  }
}
