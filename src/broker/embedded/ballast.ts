/**
 * A file that does nothing but take room beside the store. When the disk is full it is given up, so that settlements,
 * which free more than they write, still find room.
 */

import { closeSync, fsyncSync, openSync, statfsSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export const BALLAST_BYTES = 4 * 1024 * 1024;

export class Ballast {
  readonly #path: string;

  constructor(storePath: string) {
    this.#path = `${storePath}-ballast`;
  }

  get aboard(): boolean {
    return (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) >= BALLAST_BYTES;
  }

  /** False when there is no room for it and for as much again. */
  load(): boolean {
    if (this.aboard) return true;
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      if (bavail * bsize < 2 * BALLAST_BYTES) return false;
      const file = openSync(this.#path, 'w', 0o600);
      try {
        const chunk = Buffer.alloc(1024 * 1024, 0xf1); // not zeros: a file system may store these as nothing
        for (let written = 0; written < BALLAST_BYTES; ) written += writeSync(file, chunk);
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
