/** What daemons and their broker hold at a moment: memory, descriptors, processes, keys or rows. */

import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { descendants, residentBytes } from '../../support/processes.ts';
import type { RealDaemon } from '../daemon.ts';
import { EmbeddedSite } from '../embedded-site.ts';
import { RedisSite } from '../redis-site.ts';
import type { Site } from '../site.ts';

/** Of one daemon. */
export interface ProcessSample {
  readonly name: string;
  readonly pid: number;
  /** Of the master: all of it that is in memory, and what it holds of its own. */
  readonly rssBytes: number;
  readonly heldBytes: number;
  readonly fds: number;
  /** All that descend from it. */
  readonly processes: number;
  readonly workersBytes: number;
}

/** Of all that is stored. */
export interface StoreSample {
  /** Keys that live on by themselves; rows of embedded stores. */
  readonly entries: number;
  /** What these keys take; what the stores use of their files. */
  readonly bytes: number;
  /** Memory of Redis in all. */
  readonly usedBytes?: number;
}

/** Null while it does not run, or ends just now. */
export function sampleProcess({ name, pid, running }: RealDaemon): ProcessSample | null {
  if (!running) return null;
  try {
    const children = descendants(pid);
    return {
      name,
      pid,
      ...memoryOf(pid),
      fds: readdirSync(`/proc/${pid}/fd`).length,
      processes: children.length,
      workersBytes: children.reduce((all, child) => all + residentOr0(child.pid), 0),
    };
  } catch {
    return null;
  }
}

/**
 * What a process holds of its own are its anonymous pages, in memory or swapped out, less those that it has given back and the kernel
 * has not fetched yet (`LazyFree`). The others are pages of files, above all of the node program. By field of
 * /proc/PID/smaps_rollup, proc(5).
 */
function memoryOf(pid: number): Pick<ProcessSample, 'heldBytes' | 'rssBytes'> {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  return { heldBytes: bytes('Anonymous') - bytes('LazyFree') + bytes('Swap'), rssBytes: bytes('Rss') };
}

/** It may have ended since it was seen. */
function residentOr0(pid: number): number {
  try {
    return residentBytes(pid) || 0;
  } catch {
    return 0;
  }
}

/** While nothing is done. Null while the broker does not answer. */
export async function sampleStore(site: Site): Promise<StoreSample | null> {
  if (site instanceof RedisSite) return sampleRedis(site).catch(() => null);
  if (site instanceof EmbeddedSite) return sampleFiles(site);
  return null;
}

/** In one line, while it works. */
export async function glimpseStore(site: Site): Promise<string> {
  if (site instanceof EmbeddedSite) {
    const bytes = [...site.stores.values()].map((path) => sizeOf(path) + sizeOf(`${path}-wal`));
    return `files ${bytes.map(megabytes).join('+')} MB`;
  }
  const sample = await sampleStore(site);
  return sample === null
    ? 'Redis away'
    : `${sample.entries} keys, Redis ${megabytes(sample.usedBytes ?? 0)} MB`;
}

/**
 * Keys with a time to live go by themselves: they are not counted. What the server uses in all is not compared: it has buffers,
 * tables that shrink when they like, and a log of slow commands of its own.
 */
async function sampleRedis({ redis }: RedisSite): Promise<StoreSample> {
  const { keys, keyBytes, usedBytes } = await redis.holdings();
  return { entries: keys, bytes: keyBytes, usedBytes };
}

/** Of copies, for the daemon has the files to itself. Nothing is written while nothing is done. */
function sampleFiles({ stores }: EmbeddedSite): StoreSample {
  let [entries, bytes] = [0, 0];
  const folder = mkdtempSync(join(tmpdir(), 'fl-soak-copy-'));
  try {
    for (const [name, path] of stores) {
      const copy = join(folder, `${name}.db`);
      for (const end of ['', '-wal']) if (existsSync(path + end)) copyFileSync(path + end, copy + end);
      const database = new Database(copy);
      const one = (sql: string) => (database.prepare(sql).raw().get() as [number])[0];
      for (const table of ['record', 'place', 'unique_key', 'mark', 'result'])
        entries += one(`select count(*) from ${table}`);
      bytes += (one('pragma page_count') - one('pragma freelist_count')) * one('pragma page_size');
      database.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { entries, bytes };
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
export const megabytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1);
