import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIZE = '24m';
const CHUNKS = [1024 * 1024, 4_096].map((bytes) => Buffer.alloc(bytes, 0xee));

/** A small disk of the simulation's own, in memory: it can be full, and a sync costs nothing. */
export class StoreDisk implements Disposable {
  readonly folder: string;
  /** Without the right to mount there is a folder only: it is never full. */
  readonly isSmall: boolean;
  #isFull = false;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'forkloop-disk-'));
    this.isSmall = mount(this.folder);
    process.once('exit', this.#unmount);
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  fill(): void {
    if (!this.isSmall || this.#isFull) return;
    this.#isFull = true;
    const file = openSync(join(this.folder, 'filler'), 'w');
    for (const chunk of CHUNKS) while (fits(file, chunk));
    closeSync(file);
  }

  empty(): void {
    this.#isFull = false;
    rmSync(join(this.folder, 'filler'), { force: true });
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#unmount);
    this.#unmount();
  }

  readonly #unmount = (): void => {
    // Lazily: see embedded-store.ts.
    if (this.isSmall) execFileSync('umount', ['--lazy', this.folder]);
    if (this.isSmall) rmdirSync(this.folder);
    else rmSync(this.folder, { recursive: true, force: true });
  };
}

function mount(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'forkloop-test', folder], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

function fits(file: number, chunk: Buffer): boolean {
  try {
    return writeSync(file, chunk) === chunk.length;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOSPC') return false;
    throw error;
  }
}
