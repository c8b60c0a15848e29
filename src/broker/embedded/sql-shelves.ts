import type Database from 'libsql';
import { type JobKey, NO_COUNTERS } from '../engine/shelf.ts';
import { type Counters, SqlShelf } from './sql-shelf.ts';
import { prepare, type Statements } from './statements.ts';

/** The whole file: numbers keys and queues, and remembers how to take a transaction back. */
export class SqlShelves {
  readonly statements: Statements;
  lastKey: JobKey;
  /** The largest record ever stored, in bytes: whether a claim must look at sizes before it reads. */
  largest: number;
  readonly #shelves = new Map<string, SqlShelf>();
  #undo: (() => void)[] = [];

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

  onRollback(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Writes what shelves count in memory: last in a transaction. */
  flush(): void {
    for (const shelf of this.#shelves.values()) shelf.flush();
  }

  committed(): void {
    this.#undo = [];
  }

  rolledBack(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
  }
}
