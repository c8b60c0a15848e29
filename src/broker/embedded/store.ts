/**
 * The store: queues over one file, a group of requests per transaction, answered when it is on disk.
 *
 *     roomy --disk full, also after a checkpoint--> full --room again, seen by a sweep--> roomy
 *
 * While `full`, enqueues are refused and everything else goes on, in the room that the ballast left. Any other failure
 * of a transaction is thrown and final: after a failed sync nobody knows what the disk holds, so nothing may be retried.
 */

import type Database from 'libsql';
import type { EpochMs } from '../../lib/clock.ts';
import { Queue } from '../engine/queue.ts';
import { IN_FLIGHT, READY_LINES, SUSPECTS } from '../engine/shelf.ts';
import { Ballast } from './ballast.ts';
import { openDatabase } from './database.ts';
import type { StoreError, StoreReply, StoreRequest } from './messages.ts';
import { SqlShelves } from './sql-shelves.ts';

const TAKE_BACK_CHUNK = 1_000;
/** Of the write-ahead log before it is copied back: 4 MiB, or as much as the ballast allows for. */
const LOG_PAGES = 1_000;
const SMALLEST_LOG_PAGES = 64;
const PAGE_BYTES = 4_096;
/** Room inside the file that is worth trying an enqueue for. */
const ROOM_BYTES = 1024 * 1024;

export interface Applied {
  readonly replies: readonly StoreReply[];
  /** Queues that got something to claim. */
  readonly woken: readonly string[];
}

export class Store {
  readonly #database: Database.Database;
  readonly #shelves: SqlShelves;
  readonly #ballast: Ballast;
  readonly #queues = new Map<string, Queue>();
  readonly #woken = new Set<string>();
  #state: 'roomy' | 'full' = 'roomy';
  #highest: EpochMs;

  /** What was in flight belonged to a daemon that is gone: it is at the head again. `open`: a test's way to the file. */
  constructor(path: string, now: EpochMs, open: typeof openDatabase = openDatabase) {
    this.#database = open(path);
    this.#ballast = new Ballast(path);
    this.#ballast.load();
    const pages = Math.min(LOG_PAGES, Math.max(SMALLEST_LOG_PAGES, this.#ballast.bytes / 2 / PAGE_BYTES));
    this.#database.pragma(`wal_autocheckpoint = ${Math.trunc(pages)}`);
    this.#shelves = new SqlShelves(this.#database);
    this.#highest = this.#shelves.meta('highest_time');
    for (const name of this.#shelves.names()) this.#takeBack(name, now);
  }

  /** Queues with something to claim. */
  ready(): string[] {
    return this.#shelves.names().filter((name) => {
      const shelf = this.#shelves.shelf(name);
      return [...READY_LINES, SUSPECTS].some((line) => shelf.count(line) > 0);
    });
  }

  /** All requests in one transaction, in their order. Throws when the store is broken: nothing may be asked of it then. */
  apply(requests: readonly StoreRequest[]): Applied {
    let tried = this.#try(requests);
    if (isFull(tried)) {
      this.#checkpoint();
      tried = this.#try(requests);
    }
    if (isFull(tried)) {
      this.#state = 'full';
      this.#ballast.drop();
      this.#checkpoint();
      tried = this.#try(requests);
    }
    if (!(tried instanceof Error)) return tried;
    const [only] = requests;
    if (requests.length > 1 || only === undefined) return this.#oneByOne(requests);
    // When full: no room for even this, ballast and all, as for an exchange with large results. It can be asked again.
    return { replies: [{ id: only.id, error: isFull(tried) ? FULL : impossible(tried) }], woken: [] };
  }

  close(): void {
    this.#database.pragma('wal_checkpoint(TRUNCATE)');
    this.#database.close();
  }

  #oneByOne(requests: readonly StoreRequest[]): Applied {
    const applied = requests.map((request) => this.apply([request]));
    return {
      replies: applied.flatMap(({ replies }) => replies),
      woken: [...new Set(applied.flatMap(({ woken }) => woken))],
    };
  }

  /** An error leaves the store as it was: the disk is full, or one of the requests cannot be done. */
  #try(requests: readonly StoreRequest[]): Applied | Error {
    try {
      return this.#transaction(requests);
    } catch (error) {
      if (error instanceof Error && (isFull(error) || isOfOneRequest(error))) return error;
      throw error;
    }
  }

  #transaction(requests: readonly StoreRequest[]): Applied {
    this.#woken.clear();
    this.#database.exec('BEGIN');
    try {
      const replies = requests.map((request): StoreReply => this.#answer(request));
      this.#shelves.purge();
      this.#shelves.flush();
      this.#database.exec('COMMIT');
      this.#shelves.committed();
      return { replies, woken: [...this.#woken] };
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
      this.#shelves.rolledBack();
      throw error;
    }
  }

  #answer(request: StoreRequest): StoreReply {
    const { id } = request;
    if (request.verb === 'sweep' && this.#state === 'full' && this.#roomAgain()) this.#state = 'roomy';
    if (request.verb === 'enqueue') {
      if (this.#state === 'full') return { id, error: FULL };
      if (request.argument.jobs.some((job) => job.record.includes('\0'))) return { id, error: NUL };
    }
    if (request.verb === 'retry' && this.#state === 'full') return { id, error: FULL };
    if (request.verb === 'fire') {
      if (this.#state === 'full') return { id, error: FULL };
      if (request.argument.record.includes('\0')) return { id, error: NUL };
    }
    return { id, value: this.#value(request) };
  }

  #value({ now, queue: name, ...request }: StoreRequest): unknown {
    const queue = this.#queue(name);
    this.#highest = Math.max(this.#highest, now);
    switch (request.verb) {
      case 'enqueue':
        return queue.enqueue(now, this.#highest, request.argument);
      case 'results':
        return queue.inspector.results(now, request.argument);
      case 'stats':
        return queue.inspector.stats(now);
      case 'list':
        return queue.inspector.list(request.argument);
      case 'find':
        return queue.inspector.find(request.argument);
      case 'setPaused':
        return queue.setPaused(now, request.argument);
      case 'retry':
        return queue.operator.retry(now, request.argument);
      case 'delete':
        return queue.operator.delete(now, request.argument);
      case 'purge':
        return queue.operator.purge(now, this.#highest, request.argument);
      case 'open':
        return queue.open(now, request.argument);
      case 'exchange':
        return queue.exchange(now, request.argument);
      case 'heartbeat':
        return queue.heartbeat(now, request.argument);
      case 'resync':
        return queue.resync(now, request.argument);
      case 'closeSession':
        queue.closeSession(now, request.argument);
        return null;
      case 'sweep':
        return queue.sweep(now, request.argument);
      case 'reclaim':
        return queue.reclaim(now, request.argument);
      case 'watermark':
        return queue.schedules.watermark(now, request.argument);
      case 'fire':
        return queue.schedules.fire(now, request.argument);
    }
  }

  #queue(name: string): Queue {
    let queue = this.#queues.get(name);
    if (queue === undefined) {
      queue = new Queue(name, this.#shelves.shelf(name), (woken) => this.#woken.add(woken));
      this.#queues.set(name, queue);
    }
    return queue;
  }

  /** The last first, each chunk in front of the one before, so that the whole keeps its order. */
  #takeBack(name: string, now: EpochMs): void {
    const shelf = this.#shelves.shelf(name);
    while (shelf.count(IN_FLIGHT) > 0) {
      const keys = shelf.lastInFlight(TAKE_BACK_CHUNK);
      this.#database.exec('BEGIN');
      this.#queue(name).takeBack(now, keys.reverse());
      this.#shelves.flush();
      this.#database.exec('COMMIT');
      this.#shelves.committed();
    }
  }

  #roomAgain(): boolean {
    if (this.#ballast.load()) return true;
    const [free] = this.#database.prepare('pragma freelist_count').raw().get() as [number];
    const [size] = this.#database.prepare('pragma page_size').raw().get() as [number];
    return free * size >= ROOM_BYTES;
  }

  /** Frees the write-ahead log for reuse, in place. */
  #checkpoint(): void {
    try {
      this.#database.pragma('wal_checkpoint(RESTART)');
    } catch (error) {
      if (!isFull(error)) throw error;
    }
  }
}

const SQLITE_FULL = 13;
/** Too large, a constraint, a mismatch of types, a parameter out of range: what a request alone can cause. */
const OF_ONE_REQUEST: ReadonlySet<number> = new Set([18, 19, 20, 25]);

/** SQLite's primary result code; null for an error that is not SQLite's. */
function sqliteCode(error: unknown): number | null {
  const { rawCode, code } = error as { rawCode?: unknown; code?: unknown };
  if (typeof rawCode === 'number') return rawCode & 0xff;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? -1 : null;
}

const isFull = (error: unknown): boolean => sqliteCode(error) === SQLITE_FULL;

/** Thrown while a request was carried out, by it; not by the file. */
function isOfOneRequest(error: Error): boolean {
  const code = sqliteCode(error);
  return code === null || OF_ONE_REQUEST.has(code);
}

function impossible(error: Error): StoreError {
  return {
    disposition: 'refused',
    code: 'ERR_INPUT_INVALID',
    message: `the embedded store cannot carry this out: ${error.message}`,
  };
}

const FULL: StoreError = {
  disposition: 'refused',
  code: 'ERR_BROKER_FULL',
  message: 'the disk of the embedded store is full; free some room on it, enqueues are taken again then',
};

const NUL: StoreError = {
  disposition: 'refused',
  code: 'ERR_INPUT_INVALID',
  message: 'a job contains a NUL character, which JSON does not allow; encode the input as JSON',
};
