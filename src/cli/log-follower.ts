/** Reads the lines of a growing log file: the last ones, then those to come, also over a rotation. */

import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';

const BLOCK = 64 * 1024;
/** What is longer is no line of ours; it is cut. */
const LONGEST_LINE = 1024 * 1024;
const POLL_MS = 200;
const NEWLINE = 0x0a;

/** The last `count` lines that `matches`, oldest first, and where in the file they end. */
export interface Tail {
  readonly lines: readonly string[];
  readonly end: number;
}

/** Reads backwards, and no more than it takes. A last line without an end is not there yet. */
export async function readTail(
  file: FileHandle,
  count: number,
  matches: (line: string) => boolean,
): Promise<Tail> {
  const { size } = await file.stat();
  const found: string[] = [];
  let end: number | null = null;
  let rest = Buffer.alloc(0);
  for (let from = size; from > 0 && (end === null || found.length < count); ) {
    const length = Math.min(BLOCK, from);
    from -= length;
    const block = await readFully(file, from, length);
    let bytes = Buffer.concat([block, rest.subarray(0, LONGEST_LINE)]);
    if (end === null) {
      const last = bytes.lastIndexOf(NEWLINE);
      if (last === -1) {
        rest = bytes;
        continue;
      }
      end = from + last + 1;
      bytes = bytes.subarray(0, last);
    }
    for (let at = bytes.lastIndexOf(NEWLINE); at !== -1 && found.length < count; ) {
      const line = bytes.toString('utf8', at + 1);
      if (matches(line)) found.push(line);
      bytes = bytes.subarray(0, at);
      at = bytes.lastIndexOf(NEWLINE);
    }
    rest = bytes;
    if (from === 0 && found.length < count && matches(rest.toString('utf8')))
      found.push(rest.toString('utf8'));
  }
  return { lines: found.reverse(), end: end ?? 0 };
}

async function readFully(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(buffer, read, length - read, from + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return buffer.subarray(0, read);
}

export interface FollowOptions {
  readonly path: string;
  /** Of the file that has been read already; null: it is not there yet. */
  readonly file: FileHandle | null;
  readonly position: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * Every line from there on. A file that was moved away is read until its successor has content: until then its writer may
 * not have noticed. One that became shorter is read from its beginning.
 */
export async function* followLines({
  path,
  file,
  position,
  clock,
  signal,
}: FollowOptions): AsyncGenerator<string> {
  let current = file;
  let at = position;
  let rest: Buffer = Buffer.alloc(0);
  try {
    while (signal?.aborted !== true) {
      current ??= await openIfThere(path);
      // Before the old one is read: what it gets until its successor has content is read, too.
      const successor = current === null ? null : await successorOf(path, current);
      if (current !== null) {
        if ((await current.stat()).size < at) [at, rest] = [0, Buffer.alloc(0)];
        for (let block = await readFully(current, at, BLOCK); block.length > 0; ) {
          at += block.length;
          const { lines, left } = cut(Buffer.concat([rest, block]));
          rest = left;
          yield* lines;
          block = await readFully(current, at, BLOCK);
        }
      }
      if (successor === null) await clock.sleep(POLL_MS, signal);
      else {
        await current?.close();
        [current, at, rest] = [successor, 0, Buffer.alloc(0)];
      }
    }
  } finally {
    await current?.close();
  }
}

function cut(bytes: Buffer): { lines: string[]; left: Buffer } {
  const end = bytes.lastIndexOf(NEWLINE);
  if (end === -1 && bytes.length < LONGEST_LINE) return { lines: [], left: bytes };
  const whole = end === -1 ? bytes : bytes.subarray(0, end);
  return {
    lines: whole.toString('utf8').split('\n'),
    left: bytes.subarray(end === -1 ? bytes.length : end + 1),
  };
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** The other file that has the path now, if something was written to it. */
async function successorOf(path: string, current: FileHandle): Promise<FileHandle | null> {
  const [there, ours] = [await stat(path).catch(() => null), await current.stat()];
  if (there === null || there.size === 0) return null;
  if (there.ino === ours.ino && there.dev === ours.dev) return null;
  return openIfThere(path);
}
