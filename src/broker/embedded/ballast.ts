/**
 * A file that does nothing but take room beside the store. When the disk is full it is given up: then the write-ahead
 * log can be copied back into the file, and settlements, which free more than they write, find room in it.
 */

import { closeSync, fsyncSync, openSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** More than the log and one large transaction; on a nearly full disk a quarter of what is left. */
const BALLAST_BYTES = 8 * 1024 * 1024;
const SHARE_OF_FREE = 4;
const SMALLEST_BYTES = 512 * 1024;
const CHUNK = Buffer.alloc(256 * 1024, 0xf1); // not zeros: a file system may store these as nothing

export class Ballast {
  readonly #path: string;

  constructor(storePath: string) {
    this.#path = `${storePath}-ballast`;
  }

  /** What it takes, in bytes. */
  get bytes(): number {
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** False when there is no room for it. */
  load(): boolean {
    if (this.bytes > 0) return true;
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      const bytes = Math.min(BALLAST_BYTES, (bavail * bsize) / SHARE_OF_FREE);
      if (bytes < SMALLEST_BYTES) return false;
      const file = openSync(this.#path, 'w', 0o600);
      try {
        for (let written = 0; written < bytes; ) written += writeSync(file, CHUNK);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      return true;
    } catch {
      this.drop();
      return false;
    }
  }

  drop(): void {
    try {
      unlinkSync(this.#path);
    } catch {
      // it was not aboard
    }
  }
}
