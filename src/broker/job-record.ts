/**
 * The serialised job: what a broker stores, moves and hands out as one string, and what its scripts edit by position.
 *
 *     header (77 fixed characters) | unique key | meta | error | input
 *
 * Everything before the input is printable ASCII (other characters are escaped), so that a position is the same in
 * JavaScript characters and in a script's bytes. A script reads and rewrites the header and replaces the error; it never
 * decodes meta or input. The input is the caller's JSON, byte for byte; the master slices it off and passes it on.
 *
 *     at  width  field
 *      0    1    format version, '1'
 *      1   36    id, a UUID
 *     37    7    claims: deliveries made and operator's retries so far, written when the job goes back, not when it is
 *                claimed
 *     44    3    failures: attempts that ended in a handler's error or a time limit
 *     47    2    crashes: deaths of the worker, or of the daemon, while this job ran alone
 *     49    2    recoveries: lost daemons, and lost workers that ran several jobs; 0 again after a settled attempt
 *     51    1    priority: 0 (first) to 9
 *     52    1    flags, a hexadecimal digit: 1 = the result is kept
 *     53   13    expires: EpochMs on the broker's clock from which it is not started any more; 0 = never
 *     66    3    length of the unique key
 *     69    4    length of meta: the task's name, then a JSON object of options if there are any
 *     73    4    length of the error: the last attempt's ErrorRecord as JSON, or nothing
 *
 * Counters stop at the largest number that fits their width.
 */

import type { EpochMs } from '../lib/clock.ts';
import { type ErrorRecord, ForkloopError, isErrorRecord } from '../lib/errors.ts';
import { areJobOptions, type JobOptions } from './job-options.ts';

export const HEADER_LENGTH = 77;
export const FORMAT_VERSION = '1';
export const UNIQUE_LIMIT = 999;
export const META_LIMIT = 9_999;
export const ERROR_LIMIT = 9_999;

export interface Job {
  readonly id: string;
  readonly task: string;
  readonly claims: number;
  readonly failures: number;
  readonly crashes: number;
  readonly recoveries: number;
  readonly priority: number;
  readonly keepResult: boolean;
  /** 0 = never expires. */
  readonly expiresAt: EpochMs;
  readonly unique: string | null;
  readonly options: JobOptions;
  readonly error: ErrorRecord | null;
  /** The caller's JSON, undecoded. */
  readonly input: string;
}

/** A job that nobody has claimed yet. */
export type NewJob = Omit<Job, 'claims' | 'failures' | 'crashes' | 'recoveries' | 'error'>;

/** What jobs may have in common. */
export type JobTemplate = Omit<NewJob, 'id' | 'input'>;

/** As `recordMaker`, for one job. */
export const encodeJob = (job: NewJob): string => recordMaker(job)(job.id, job.input);

/**
 * Makes the records of jobs that differ only in id and input: all the rest is written once.
 * @throws ForkloopError ERR_OPTION_INVALID when the unique key or the options are longer than a record can hold.
 */
export function recordMaker(job: JobTemplate): (id: string, input: string) => string {
  const unique = job.unique === null ? '' : toAscii(job.unique);
  if (unique.length > UNIQUE_LIMIT) throw tooLong('unique key', unique.length, UNIQUE_LIMIT);
  const options = Object.keys(job.options).length === 0 ? '' : toAscii(JSON.stringify(job.options));
  const meta = job.task + options;
  if (meta.length > META_LIMIT) throw tooLong('options and headers', meta.length, META_LIMIT);
  const behindId =
    '00000000000000' + // claims, failures, crashes, recoveries
    job.priority +
    (job.keepResult ? '1' : '0') +
    digits(job.expiresAt, 13) +
    digits(unique.length, 3) +
    digits(meta.length, 4) +
    '0000' +
    unique +
    meta;
  return (id, input) => FORMAT_VERSION + id + behindId + input;
}

/** One for all jobs without, so that what follows from them is found out once. */
export const NO_OPTIONS: JobOptions = Object.freeze({});

/** @throws ForkloopError ERR_INPUT_INVALID when the text is not a record of ours: its caller quarantines it. */
export function decodeJob(record: string): Job {
  const uniqueEnd = HEADER_LENGTH + number(record, 66, 69);
  const metaEnd = uniqueEnd + number(record, 69, 73);
  const errorEnd = metaEnd + number(record, 73, 77);
  if (record[0] !== FORMAT_VERSION || record.length < errorEnd) throw corrupt(record);
  const meta = record.slice(uniqueEnd, metaEnd);
  const brace = meta.indexOf('{');
  return {
    id: record.slice(1, 37),
    task: brace < 0 ? meta : meta.slice(0, brace),
    claims: number(record, 37, 44),
    failures: number(record, 44, 47),
    crashes: number(record, 47, 49),
    recoveries: number(record, 49, 51),
    priority: number(record, 51, 52),
    keepResult: record[52] === '1',
    expiresAt: number(record, 53, 66),
    unique: uniqueEnd === HEADER_LENGTH ? null : fromAscii(record.slice(HEADER_LENGTH, uniqueEnd)),
    options: brace < 0 ? NO_OPTIONS : parsed(record, meta.slice(brace), areJobOptions),
    error: errorEnd === metaEnd ? null : parsed(record, record.slice(metaEnd, errorEnd), isErrorRecord),
    input: record.slice(errorEnd),
  };
}

/** Whether a text begins as a record does. By hand: a pattern took 20 µs of a job that came alone. */
export function isRecord(text: string): boolean {
  if (text.length < HEADER_LENGTH || text.charCodeAt(0) !== VERSION) return false;
  for (let at = 1; at < HEADER_LENGTH; at++) {
    const code = text.charCodeAt(at);
    const isFit =
      isDigit(code) || (at < ID_END ? isHexLetter(code) || code === DASH : at === FLAGS && isHexLetter(code));
    if (!isFit) return false;
  }
  return true;
}

/** The id alone, without decoding the rest. */
export const recordId = (record: string): string => record.slice(1, 37);
/** The claims alone: also of a record that `decodeJob` refuses for what comes behind the header. */
export const recordClaims = (record: string): number => Number(record.slice(37, 44));

/** An error as it stands in a record: ASCII JSON of at most ERROR_LIMIT characters; the stack goes first if too long. */
export function encodeError(error: ErrorRecord): string {
  const whole = toAscii(JSON.stringify(error));
  if (whole.length <= ERROR_LIMIT) return whole;
  const { stack: _, ...rest } = error;
  const short = toAscii(JSON.stringify(rest));
  if (short.length <= ERROR_LIMIT) return short;
  return toAscii(
    JSON.stringify({ ...rest, message: rest.message.slice(0, 1_000), name: rest.name.slice(0, 100) }),
  );
}

/** The right to settle one delivery: job id and claim number. */
export const tokenOf = (id: string, claims: number): string => `${id}:${claims}`;
export const tokenId = (token: string): string => token.slice(0, 36);
export const tokenClaims = (token: string): number => Number(token.slice(37));

function toAscii(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function fromAscii(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** The largest number that fits when `value` does not. */
function digits(value: number, width: number): string {
  return String(Math.min(Math.max(0, Math.trunc(value)), 10 ** width - 1)).padStart(width, '0');
}

const ZERO = 48;
const DASH = 45;
const VERSION = FORMAT_VERSION.charCodeAt(0);
const ID_END = 37;
const FLAGS = 52;

const isDigit = (code: number): boolean => code >= ZERO && code <= ZERO + 9;
const isHexLetter = (code: number): boolean => (code | 32) >= 97 && (code | 32) <= 102;

function number(record: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = record.charCodeAt(at) - ZERO;
    // Also beyond the end of the text, where it is no number.
    if (!(digit >= 0 && digit <= 9)) throw corrupt(record);
    value = value * 10 + digit;
  }
  return value;
}

function parsed<T>(record: string, json: string, fits: (value: unknown) => value is T): T {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw corrupt(record);
  }
  if (!fits(value)) throw corrupt(record);
  return value;
}

function corrupt(record: string): ForkloopError {
  return new ForkloopError(
    'ERR_INPUT_INVALID',
    `not a job record: ${JSON.stringify(record.slice(0, 80))}; it was not written by forkloop, or by a newer version`,
  );
}

function tooLong(what: string, length: number, limit: number): ForkloopError {
  return new ForkloopError('ERR_OPTION_INVALID', `${what}: ${length} characters, at most ${limit} fit`);
}
