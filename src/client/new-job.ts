import type { JobOptions } from '../broker/job-options.ts';
import { recordMaker } from '../broker/job-record.ts';
import type { EnqueueJob } from '../broker/messages/enqueue.ts';
import type { EpochMs } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import { isDeeperThan, JSON_DEPTH_LIMIT } from '../lib/json-depth.ts';
import { type Duration, parseDuration } from '../lib/units.ts';
import type { AnyTask } from '../task/define.ts';
import { inputProblem } from '../task/input-check.ts';
import { retryPolicyOf } from '../task/retry-options.ts';
import type { EnqueueOptions } from './enqueue-options.ts';

/** How long a result is kept when asked for without saying how long. */
export const DEFAULT_RESULT_TTL_MS = 3_600_000;

export interface NewJobContext {
  /** The queue's own. */
  readonly priority: number;
  readonly resultTtlMs: number | undefined;
  readonly brokerNow: EpochMs;
  readonly now: EpochMs;
}

/** Makes the jobs of one enqueuing call, which differ in id and input. */
export interface JobMaker {
  readonly resultKept: boolean;
  make(id: string, input: string): EnqueueJob;
}

/** @throws ForkloopError ERR_OPTION_INVALID */
export function jobMaker(task: string, options: EnqueueOptions, context: NewJobContext): JobMaker {
  const { priority = context.priority, unique = null } = options;
  if (!Number.isInteger(priority) || priority < 0 || priority > 9) {
    throw invalid('priority', priority, 'a whole number from 0 (first) to 9');
  }
  // A record writes the empty key as none: each job would be stored.
  if (unique !== null && (typeof unique !== 'string' || unique === ''))
    throw invalid('unique', unique, 'a string that is not empty');
  const resultTtl = resultTtlOf(options.result, context.resultTtlMs);
  const recordOf = recordMaker({
    task,
    priority,
    keepResult: resultTtl !== undefined,
    expiresAt: expiryOf(options.expires, context),
    unique,
    options: jobOptionsOf(options, resultTtl),
  });
  const delayMs = delayOf(options, context.now);
  return {
    resultKept: resultTtl !== undefined,
    make: (id, input) => ({ record: recordOf(id, input), delayMs }),
  };
}

/**
 * The caller's value as JSON: checked against the task's schema when the task itself is at hand, but stored as given
 * (defaults and transforms run once, in the worker). A promise only where there is a schema.
 * @throws ForkloopError ERR_INPUT_INVALID, ERR_INPUT_TOO_LARGE: at once, or in the promise
 */
export function encodeInput(
  name: string,
  task: AnyTask | null,
  input: unknown,
  maxBytes: number,
): string | Promise<string> {
  const json = stringify(name, input);
  // A character takes three bytes at most.
  if (json.length * 3 > maxBytes && Buffer.byteLength(json) > maxBytes) {
    const size = `${Buffer.byteLength(json)} bytes as JSON, at most ${maxBytes} are allowed (defaults.max_payload)`;
    throw new ForkloopError(
      'ERR_INPUT_TOO_LARGE',
      `input of ${name}: ${size}; store it elsewhere and pass a reference`,
    );
  }
  if (isDeeperThan(json, JSON_DEPTH_LIMIT)) {
    throw new ForkloopError(
      'ERR_INPUT_INVALID',
      `input of ${name}: nests deeper than ${JSON_DEPTH_LIMIT} levels`,
    );
  }
  return task?.schema === undefined ? json : checked(name, task, input, json);
}

async function checked(name: string, task: AnyTask, input: unknown, json: string): Promise<string> {
  const problem = await inputProblem(task, input);
  if (problem !== null) throw new ForkloopError('ERR_INPUT_INVALID', `input of ${name}: ${problem}`);
  return json;
}

function stringify(name: string, input: unknown): string {
  try {
    if (typeof input === 'function' || typeof input === 'symbol')
      throw new TypeError(`a ${typeof input} is not JSON`);
    return JSON.stringify(input === undefined ? null : input);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ForkloopError('ERR_INPUT_INVALID', `input of ${name} cannot be written as JSON: ${why}`, {
      cause: error,
    });
  }
}

function jobOptionsOf(
  { timeout, retry, headers }: EnqueueOptions,
  resultTtl: number | undefined,
): JobOptions {
  return {
    ...(timeout === undefined ? {} : { timeout: durationOf('timeout', timeout) }),
    ...(retry === undefined
      ? {}
      : {
          retry: retryPolicyOf(
            retry,
            (key, why) => new ForkloopError('ERR_OPTION_INVALID', `retry.${key}: ${why}`),
          ),
        }),
    ...(resultTtl === undefined ? {} : { resultTtl }),
    ...(headers === undefined ? {} : { headers: headersOf(headers) }),
  };
}

function headersOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) {
    throw invalid('headers', headers, 'an object of strings');
  }
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => {
      if (typeof value !== 'string') throw invalid(`headers.${key}`, value, 'a string');
      return [key, value];
    }),
  );
}

function resultTtlOf(
  wish: boolean | Duration | undefined,
  queueTtlMs: number | undefined,
): number | undefined {
  if (wish === undefined) return queueTtlMs;
  if (wish === false) return undefined;
  return wish === true ? (queueTtlMs ?? DEFAULT_RESULT_TTL_MS) : durationOf('result', wish);
}

function delayOf({ delay, at }: EnqueueOptions, now: EpochMs): number {
  if (delay !== undefined && at !== undefined)
    throw new ForkloopError('ERR_OPTION_INVALID', 'give delay or at, not both');
  if (at !== undefined) return Math.max(0, timeOf('at', at) - now);
  return delay === undefined ? 0 : durationOf('delay', delay);
}

function expiryOf(expires: Duration | Date | undefined, { brokerNow, now }: NewJobContext): EpochMs {
  if (expires === undefined) return 0;
  const inMs = expires instanceof Date ? timeOf('expires', expires) - now : durationOf('expires', expires);
  return Math.max(1, Math.round(brokerNow + inMs));
}

function timeOf(key: string, date: Date): EpochMs {
  const at = date instanceof Date ? date.getTime() : Number.NaN;
  if (Number.isNaN(at)) throw invalid(key, date, 'a valid Date');
  return at;
}

function durationOf(key: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw invalid(key, text, 'a duration such as 30s or 500ms');
  return ms;
}

function invalid(key: string, value: unknown, wanted: string): ForkloopError {
  return new ForkloopError('ERR_OPTION_INVALID', `${key}: ${JSON.stringify(value)} is not ${wanted}`);
}
