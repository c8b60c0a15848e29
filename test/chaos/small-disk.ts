/** A disk of a run's own, in memory and so small that it can be filled. Root may mount one. */

import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIZE = '24m';
const CHUNKS = [1024 * 1024, 4_096].map((bytes) => Buffer.alloc(bytes, 0xee));
const TOP_UP_MS = 100;

export class SmallDisk implements Disposable {
  readonly folder: string;
  /** Fills that are not over: they share the room. */
  #filling = 0;

  /** Why there can be none on this machine; null when there can. */
  static refused(): string | null {
    const folder = mkdtempSync(join(tmpdir(), 'fl-disk-'));
    try {
      new SmallDisk(folder)[Symbol.dispose]();
      return null;
    } catch (error) {
      rmdirSync(folder);
      return `no tmpfs can be mounted: ${String((error as { stderr?: unknown }).stderr ?? error).trim()}`;
    }
  }

  /** @throws when it cannot be mounted. */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'forkloop-test', folder], { stdio: 'pipe' });
    // Before the folder goes, that it is mounted in.
    process.prependOnceListener('exit', this.#unmount);
  }

  /** Takes all room that is left or becomes free, for so long. */
  async fill(ms: number): Promise<void> {
    const end = performance.now() + ms;
    this.#filling++;
    while (performance.now() < end) {
      this.#topUp();
      await new Promise((resolve) => setTimeout(resolve, TOP_UP_MS));
    }
    if (--this.#filling === 0) rmSync(join(this.folder, 'filler'), { force: true });
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#unmount);
    this.#unmount();
  }

  #topUp(): void {
    const file = openSync(join(this.folder, 'filler'), 'a');
    for (const chunk of CHUNKS) while (fits(file, chunk));
    closeSync(file);
  }

  /** Lazily: a process that was just killed may still have a file of it. */
  readonly #unmount = (): void => {
    execFileSync('umount', ['--lazy', this.folder]);
    rmdirSync(this.folder);
  };
}

function fits(file: number, chunk: Buffer): boolean {
  try {
    return writeSync(file, chunk) === chunk.length;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOSPC') return false;
    throw error;
  }
}
