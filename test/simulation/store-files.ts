/** The files of an embedded store at one moment, and what a death in the middle of a write can leave of them. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Dice } from './dice.ts';

const PAGE = 4_096;
const SECTOR = 512;

export interface StoreFiles {
  readonly database: Buffer;
  readonly log: Buffer;
}

export function readFiles(path: string): StoreFiles {
  return { database: readFileSync(path), log: readIfThere(`${path}-wal`) };
}

export function writeFiles(path: string, { database, log }: StoreFiles): void {
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, log);
}

const readIfThere = (path: string): Buffer => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0));

/** `cut`: the write ended at some byte. `scattered`: the power went; of what was not synced any sectors are there. */
export type Damage = 'cut' | 'scattered';

/**
 * Between two states. The log is written and synced first; when the database itself has changed, the log was complete by
 * then, and any part of the change may be there. A log that was begun anew was copied back before, and that was synced: what may
 * be missing of which file cannot be told from the two states alone, so then it is the one or the other.
 */
export function torn(before: StoreFiles, after: StoreFiles, damage: Damage, dice: Dice): StoreFiles {
  if (isBegunAnew(before.log, after.log)) return dice.chance(0.5) ? before : after;
  if (!before.database.equals(after.database)) {
    return { database: scattered(before.database, after.database, PAGE, dice), log: after.log };
  }
  const log =
    damage === 'cut' ? cut(before.log, after.log, dice) : scattered(before.log, after.log, SECTOR, dice);
  return { database: before.database, log };
}

/** By the salts in its header, which SQLite draws anew: https://www.sqlite.org/fileformat.html#walformat */
function isBegunAnew(before: Buffer, after: Buffer): boolean {
  const salts = (log: Buffer) => log.subarray(16, 24);
  return before.length > 0 && after.length > 0 && !salts(before).equals(salts(after));
}

function cut(before: Buffer, after: Buffer, dice: Dice): Buffer {
  const first = firstDifference(before, after);
  const at = dice.whole(first, after.length);
  return Buffer.concat([after.subarray(0, at), before.subarray(at)]);
}

function scattered(before: Buffer, after: Buffer, unit: number, dice: Dice): Buffer {
  const share = dice.random();
  const result = Buffer.alloc(Math.max(before.length, after.length));
  before.copy(result);
  for (let at = 0; at < after.length; at += unit) {
    if (dice.chance(share)) after.copy(result, at, at, at + unit);
  }
  return result;
}

function firstDifference(a: Buffer, b: Buffer): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at += 1) if (a[at] !== b[at]) return at;
  return shorter;
}
