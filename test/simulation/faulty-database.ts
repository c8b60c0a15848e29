import type Database from 'libsql';
import { openDatabase } from '../../src/broker/embedded/database.ts';

/** What the next commit meets: done and then the sync fails, or not done and the sync fails. */
export type SyncFailure = 'after' | 'before';

/** Between two copies of the log back into the file: few, so that many happen. */
const LOG_PAGES = 64;

/** The store's way to its file, with a fault that no file system can be made to have: a sync that fails. */
export class FaultyDatabase {
  failSync: SyncFailure | null = null;
  #real: Database.Database | null = null;
  readonly #statements = new Map<string, Database.Statement>();

  readonly open = (path: string): Database.Database => {
    const real = openDatabase(path);
    this.#real = real;
    return new Proxy(real, {
      get: (target, property) => {
        if (property === 'exec') return (sql: string) => this.#exec(target, sql);
        if (property === 'pragma') {
          return (text: string) =>
            target.pragma(text.startsWith('wal_autocheckpoint') ? `wal_autocheckpoint = ${LOG_PAGES}` : text);
        }
        const value = Reflect.get(target, property) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };

  get real(): Database.Database {
    if (this.#real === null) throw new Error('the store is not open');
    return this.#real;
  }

  /** Prepared once: the simulation looks after every call. */
  statement(sql: string): Database.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.real.prepare(sql).raw();
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #exec(target: Database.Database, sql: string): unknown {
    if (sql !== 'COMMIT') return target.exec(sql);
    const failure = this.failSync;
    this.failSync = null;
    if (failure !== 'before') target.exec(sql);
    else target.exec('ROLLBACK');
    if (failure !== null) throw sqliteError('SQLITE_IOERR_FSYNC', 1034, 'disk I/O error');
    return undefined;
  }
}

function sqliteError(code: string, rawCode: number, message: string): Error {
  return Object.assign(new Error(message), { code, rawCode });
}
