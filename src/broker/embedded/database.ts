/** Opens the store's file, or says why it cannot be one. */

import { closeSync, fsyncSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import { ForkloopError } from '../../lib/errors.ts';

/** 'FLop', in the header of the file: what `file(1)` and we tell our files by. */
const APPLICATION_ID = 0x464c6f70;
/** A file of version n has seen the first n of these; an older file is brought up to date when it is opened. */
const SCHEMA_STEPS = ['./schema.sql', './schema-schedules.sql', './schema-pause.sql'] as const;
const SCHEMA_VERSION = SCHEMA_STEPS.length;

/** A larger file is not read whole at start; damage in it shows when it is met, and the store then fails. */
const CHECK_UP_TO_BYTES = 32 * 1024 * 1024;

/**
 * Nobody else can open the file while this connection lives: SQLite's own lock on it ends with the process, however it
 * ends.
 * @throws ForkloopError ERR_ALREADY_RUNNING when another process has it open, ERR_BROKER_UNFIT when the file is not a
 * forkloop store, is damaged or cannot be opened.
 */
export function openDatabase(path: string): Database.Database {
  let database: Database.Database | undefined;
  try {
    create(path);
    database = new Database(path);
    database.pragma('locking_mode = EXCLUSIVE');
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('cache_size = -16384');
    database.pragma('temp_store = MEMORY');
    prepareSchema(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw openError(path, error as Error & { code?: unknown });
  }
}

/** Jobs are as private as their inputs. The directory is synced: a new file without its entry would be lost. */
function create(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

function prepareSchema(database: Database.Database, path: string): void {
  database.exec('BEGIN IMMEDIATE'); // takes the lock for as long as the connection lives
  const [application, version] = [number(database, 'application_id'), number(database, 'user_version')];
  const tables = database.prepare('select count(*) from sqlite_schema').raw().get() as [number];
  if (application === 0 && version === 0 && tables[0] === 0) {
    applySchema(database, 0);
    database.pragma(`application_id = ${APPLICATION_ID}`);
  } else if (application !== APPLICATION_ID) {
    throw unfit(`${path} is a database of another program; give the store a path of its own`);
  } else if (version < 1 || version > SCHEMA_VERSION) {
    throw unfit(
      `${path} was written by another version of forkloop (format ${version}, this one reads ${SCHEMA_VERSION})`,
    );
  } else {
    if (statSync(path).size <= CHECK_UP_TO_BYTES) {
      const [found] = database.pragma('quick_check(1)') as { quick_check: string }[];
      if (found?.quick_check !== 'ok') throw damaged(path, found?.quick_check ?? 'no answer');
    }
    if (version < SCHEMA_VERSION) applySchema(database, version);
  }
  database.exec('COMMIT');
}

function applySchema(database: Database.Database, from: number): void {
  for (const file of SCHEMA_STEPS.slice(from)) {
    database.exec(readFileSync(new URL(file, import.meta.url), 'utf8'));
  }
  database.pragma(`user_version = ${SCHEMA_VERSION}`);
}

function number(database: Database.Database, pragma: string): number {
  const [row] = database.pragma(pragma) as Record<string, number>[];
  return row?.[pragma] ?? 0;
}

function openError(path: string, error: Error & { code?: unknown }): ForkloopError {
  if (error instanceof ForkloopError) return error;
  switch (error.code) {
    case 'SQLITE_BUSY':
      return new ForkloopError('ERR_ALREADY_RUNNING', `${path} is open in another process; stop it first`, {
        cause: error,
      });
    case 'SQLITE_NOTADB':
      return unfit(`${path} is not a database; give the store a path of its own`, error);
    case 'SQLITE_CORRUPT':
      return damaged(path, error.message);
    case 'ENOENT':
      return unfit(`${path}: there is no directory ${dirname(path)}; create it`, error);
    default:
      return unfit(`${path} cannot be opened: ${error.message}`, error);
  }
}

function damaged(path: string, found: string): ForkloopError {
  return unfit(`${path} is damaged (${found}); restore it from a backup, or move it away to start empty`);
}

function unfit(message: string, cause?: Error): ForkloopError {
  return new ForkloopError('ERR_BROKER_UNFIT', message, { cause });
}
