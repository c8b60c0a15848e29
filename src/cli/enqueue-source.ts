/** Where inputs come from: the command line, a file, or standard input; as one value or a line each. */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { ForkloopError } from '../lib/errors.ts';
import { type Surroundings, usageError } from './context.ts';

export interface InputSource {
  /** For messages: `trips.ndjson`, `standard input`, `the command line`. */
  readonly name: string;
  /** Of the whole source; null where nobody knows. */
  readonly totalBytes: number | null;
  open(): Readable;
}

/** One line of NDJSON, undecoded. */
export interface InputLine {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** With its line break. */
  readonly bytes: number;
}

/**
 * `-` is standard input, `@FILE` a file. Null for anything else: the text is the input itself.
 * @throws ForkloopError ERR_USAGE when the file cannot be read.
 */
export async function sourceOf(text: string, { stdin, cwd }: Surroundings): Promise<InputSource | null> {
  if (text === '-')
    return { name: 'standard input', totalBytes: await regularFileSize(stdin.fd), open: () => stdin };
  if (!text.startsWith('@')) return null;
  const name = text.slice(1);
  const path = resolve(cwd, name);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw usageError(
      `cannot read ${path}: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`,
    );
  });
  if (found.isDirectory()) throw usageError(`cannot read ${path}: it is a directory`);
  return { name, totalBytes: found.isFile() ? found.size : null, open: () => createReadStream(path) };
}

/** The whole source as one JSON value. @throws ForkloopError ERR_INPUT_TOO_LARGE, ERR_INPUT_INVALID, ERR_USAGE */
export async function readValue(source: InputSource, maxBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(source)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(source.name, maxBytes);
    chunks.push(chunk);
  }
  return parseJson(Buffer.concat(chunks).toString('utf8'), source.name);
}

/**
 * The lines that are not blank, as they come: a source that is never ended is never waited for.
 * @throws ForkloopError ERR_INPUT_TOO_LARGE for a line longer than `maxBytes`, ERR_USAGE when the source fails.
 */
export async function* readLines(source: InputSource, maxBytes: number): AsyncGenerator<InputLine> {
  // Of a line that began in an earlier chunk; a line within one chunk is decoded where it stands.
  let parts: Buffer[] = [];
  let length = 0;
  let number = 0;
  const take = (chunk: Buffer, start: number, end: number): InputLine | null => {
    number++;
    const bytes = length + end - start + 1;
    if (bytes > maxBytes + 1) throw tooLarge(`${source.name}:${number}`, maxBytes);
    const text =
      length === 0
        ? chunk.toString('utf8', start, end)
        : Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
    parts = [];
    length = 0;
    return text.trim() === '' ? null : { number, text, bytes };
  };
  for await (const chunk of chunksOf(source)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = take(chunk, start, end);
      start = end + 1;
      if (line !== null) yield line;
    }
    if (start === chunk.length) continue;
    parts.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > maxBytes) throw tooLarge(`${source.name}:${number + 1}`, maxBytes);
  }
  const line = take(Buffer.alloc(0), 0, 0);
  if (line !== null) yield line;
}

/** @throws ForkloopError ERR_INPUT_INVALID that names the place. */
export function parseJson(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const hint = text.trim() === '' ? 'it is empty' : (error as Error).message;
    throw new ForkloopError('ERR_INPUT_INVALID', `${place}: not JSON: ${hint}`, { cause: error });
  }
}

async function* chunksOf(source: InputSource): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source.open()) yield chunk as Buffer;
  } catch (error) {
    throw usageError(`cannot read ${source.name}: ${(error as Error).message}`);
  }
}

async function regularFileSize(fd: number | undefined): Promise<number | null> {
  if (fd === undefined) return null;
  const found = await stat(`/proc/self/fd/${fd}`).catch(() => null);
  return found?.isFile() === true ? found.size : null;
}

const tooLarge = (place: string, maxBytes: number) =>
  new ForkloopError('ERR_INPUT_TOO_LARGE', `${place}: longer than defaults.max_payload (${maxBytes} bytes)`);
