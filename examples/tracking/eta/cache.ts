import { appendFile, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Eta } from './combine.ts';

/** How long an answer is good for, milliseconds. */
export const FRESH_MS = 600_000;

/** A line of the file. */
interface Entry {
  readonly key: string;
  /** EpochMs. */
  readonly stored: number;
  readonly eta: Eta;
}

/** Where the answers are when nothing else is said. */
export function cachePath(env: NodeJS.ProcessEnv = process.env): string {
  return env['TRACKING_CACHE'] || join(tmpdir(), 'forkloop-tracking-eta.ndjson');
}

/**
 * Answers in a file of JSON lines that any number of workers share. Each answer is one appended write, so lines of
 * several writers do not mix; what others added is read before each lookup, and only that. The file is replaced as a
 * whole when it is purged: a reader sees the old one or the new one. It is a cache: an answer that is added in the very
 * moment of a purge may be lost, a line that cannot be read is passed over, and a file that cannot be used costs time only.
 */
export class EtaCache {
  readonly #path: string;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  /** How far which file was read. */
  #read = { inode: -1, bytes: 0 };
  #reading: Promise<void> | null = null;

  constructor(path: string, now: () => number = Date.now) {
    this.#path = path;
    this.#now = now;
  }

  async get(key: string): Promise<Eta | null> {
    await this.#catchUp();
    const entry = this.#entries.get(key);
    return entry !== undefined && isFresh(entry, this.#now(), FRESH_MS) ? entry.eta : null;
  }

  async put(key: string, eta: Eta): Promise<void> {
    const entry: Entry = { key, stored: this.#now(), eta };
    this.#entries.set(key, entry);
    await appendFile(this.#path, `${JSON.stringify(entry)}\n`).catch(() => {});
  }

  /** One look at the file serves all who ask meanwhile. */
  #catchUp(): Promise<void> {
    this.#reading ??= this.#readOn()
      .catch(() => {})
      .finally(() => {
        this.#reading = null;
      });
    return this.#reading;
  }

  async #readOn(): Promise<void> {
    const file = await open(this.#path, 'r');
    try {
      const { ino, size } = await file.stat();
      if (ino !== this.#read.inode || size < this.#read.bytes) {
        this.#entries.clear();
        this.#read = { inode: ino, bytes: 0 };
      }
      const added = Buffer.alloc(size - this.#read.bytes);
      const { bytesRead } = await file.read(added, 0, added.length, this.#read.bytes);
      const whole = added.subarray(0, bytesRead).lastIndexOf('\n') + 1; // a line may be half written
      for (const entry of entriesOf(added.toString('utf8', 0, whole))) this.#entries.set(entry.key, entry);
      this.#read.bytes += whole;
    } finally {
      await file.close();
    }
  }
}

/** Drops answers older than `olderThanMs`, and all but the last one of a key. */
export async function purge(
  path: string,
  olderThanMs: number,
  now: number = Date.now(),
): Promise<{ kept: number; dropped: number }> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n').filter((line) => line !== '').length;
  const latest = new Map(entriesOf(text).map((entry) => [entry.key, entry]));
  const fresh = [...latest.values()].filter((entry) => isFresh(entry, now, olderThanMs));
  if (fresh.length < lines) await replace(path, fresh.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  return { kept: fresh.length, dropped: lines - fresh.length };
}

/** The old file or the new one, never half of it, whenever the process dies. */
async function replace(path: string, text: string): Promise<void> {
  const { mode } = await stat(path);
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}.tmp`;
  try {
    await writeFile(draft, text, { mode, flush: true });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

const isFresh = ({ stored }: Entry, now: number, limit: number): boolean => now - stored < limit;

function entriesOf(text: string): Entry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const entry = JSON.parse(line) as Entry;
      return typeof entry.key === 'string' && Number.isFinite(entry.stored) && typeof entry.eta === 'object'
        ? [entry]
        : [];
    } catch {
      return [];
    }
  });
}
