/** One attempt at one job: the only place that calls the code of a task. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Clock } from '../lib/clock.ts';
import type { Deadlines } from '../lib/deadlines.ts';
import { type ErrorCode, ForkloopError, toErrorRecord } from '../lib/errors.ts';
import { createLogger, type LogFields, type Logger, type LogLevel } from '../lib/logger.ts';
import type { AnyTask, TaskContext } from './define.ts';
import type { AbortReason, Outcome } from './outcome.ts';
import { steeringOf } from './steering.ts';

/** What an attempt needs to know of its delivery. */
export interface AttemptSpec {
  readonly token: string;
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly attempt: number;
  readonly fence: number;
  /** JSON; empty = the caller gave no input. */
  readonly input: string;
  readonly timeoutMs: number;
  readonly maxResultBytes: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What attempts use of the worker around them. */
export interface AttemptServices {
  readonly clock: Clock;
  /** Shared by all attempts of the worker; keyed by the attempt, whose `abort('timeout')` is to be called. */
  readonly softLimits: Deadlines<Attempt>;
  log(token: string, level: LogLevel, message: string, fields: LogFields): void;
  progress(token: string, done: number, total: number | null): void;
}

const currentAttempt = new AsyncLocalStorage<string>();

/** The token of the attempt whose code runs now, also in what it started and left behind; null outside of any. */
export const currentToken = (): string | null => currentAttempt.getStore() ?? null;

export class Attempt {
  readonly spec: AttemptSpec;
  readonly #task: AnyTask;
  readonly #services: AttemptServices;
  #aborted: AbortReason | null = null;
  #controller: AbortController | null = null;

  constructor(task: AnyTask, spec: AttemptSpec, services: AttemptServices) {
    this.#task = task;
    this.spec = spec;
    this.#services = services;
  }

  /**
   * Decodes, validates, calls, encodes. Never throws nor rejects: every ending is an Outcome. Of a handler that does not wait it
   * is answered at once, without a promise; what it costs otherwise is what each of thousands of short jobs would pay.
   * `now`: monotonic. Call it once.
   */
  run(now: number): Outcome | Promise<Outcome> {
    const { spec } = this;
    try {
      const input = decode(spec.input);
      const value = currentAttempt.run(spec.token, call, this.#task, input, new Context(this));
      return isThenable(value) ? this.#await(value, now) : encode(value, spec.maxResultBytes);
    } catch (thrown) {
      return this.#outcomeOf(thrown);
    }
  }

  /** Only code that waits can be told of its limit. */
  async #await(value: PromiseLike<unknown>, begun: number): Promise<Outcome> {
    const { timeoutMs, maxResultBytes } = this.spec;
    const { softLimits } = this.#services;
    if (timeoutMs > 0) softLimits.set(this, timeoutMs, begun);
    try {
      return encode(await value, maxResultBytes);
    } catch (thrown) {
      return this.#outcomeOf(thrown);
    } finally {
      if (timeoutMs > 0) softLimits.clear(this);
    }
  }

  /** Aborts the handler's signal. The first reason stands. */
  abort(reason: AbortReason): void {
    if (this.#aborted !== null) return;
    this.#aborted = reason;
    this.#controller?.abort(this.#abortError(reason));
  }

  /** Made when first read: most handlers never look at it, and a controller costs more than the call itself. */
  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#aborted !== null) this.#controller.abort(this.#abortError(this.#aborted));
    }
    return this.#controller.signal;
  }

  newLogger(): Logger {
    return createLogger((level, message, fields) =>
      this.#services.log(this.spec.token, level, message, fields),
    );
  }

  progress(done: number, total: number | undefined): void {
    this.#services.progress(this.spec.token, Number(done), total === undefined ? null : Number(total));
  }

  #outcomeOf(thrown: unknown): Outcome {
    if (thrown instanceof Unusable) {
      return { type: 'failed', error: toErrorRecord(thrown.error), retryable: false };
    }
    if (this.#aborted === 'timeout') {
      return { type: 'timed_out', limit: 'soft', error: timeoutRecord(this.spec.timeoutMs, thrown) };
    }
    if (this.#aborted !== null) return { type: 'interrupted', reason: this.#aborted };
    const steering = steeringOf(thrown, this.#services.clock.now());
    if (steering?.type === 'snooze') return { type: 'snoozed', delayMs: steering.delayMs };
    const error = toErrorRecord(thrown);
    if (steering?.type === 'retry') {
      return { type: 'failed', error, retryable: true, retryAfterMs: steering.delayMs };
    }
    return { type: 'failed', error, retryable: steering === null };
  }

  #abortError(reason: AbortReason): ForkloopError {
    const [code, message] = ABORT_ERRORS[reason];
    return new ForkloopError(code, reason === 'timeout' ? timeLimitText(this.spec.timeoutMs) : message);
  }
}

const ABORT_ERRORS: Readonly<Record<AbortReason, readonly [ErrorCode, string]>> = {
  timeout: ['ERR_JOB_TIMEOUT', ''],
  cancel: ['ERR_JOB_CANCELLED', 'the job was cancelled'],
  drain: ['ERR_DRAINING', 'the daemon stops; the job runs again elsewhere or later'],
  lease_lost: ['ERR_LEASE_LOST', 'the daemon lost its lease on this job: another one may run it now'],
};

/** The bad input or result is the reason: repeating the attempt cannot help. */
class Unusable {
  readonly error: ForkloopError;
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    this.error = new ForkloopError(code, message, { cause });
  }
}

class Context implements TaskContext {
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  readonly attempt: number;
  readonly fence: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly #attempt: Attempt;
  #log: Logger | null = null;
  #progress: TaskContext['progress'] | null = null;

  constructor(attempt: Attempt) {
    const { spec } = attempt;
    this.id = spec.id;
    this.task = spec.task;
    this.queue = spec.queue;
    this.attempt = spec.attempt;
    this.fence = spec.fence;
    this.headers = spec.headers;
    this.#attempt = attempt;
  }

  /** Bound, so that a handler may pass it on by itself. */
  get progress(): TaskContext['progress'] {
    this.#progress ??= (done, total) => this.#attempt.progress(done, total);
    return this.#progress;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get log(): Logger {
    this.#log ??= this.#attempt.newLogger();
    return this.#log;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function decode(input: string): unknown {
  if (input === '') return undefined;
  try {
    return JSON.parse(input);
  } catch (error) {
    throw new Unusable('ERR_INPUT_INVALID', `the input is no JSON: ${(error as Error).message}`, error);
  }
}

function call(task: AnyTask, input: unknown, context: TaskContext): unknown {
  const { schema } = task;
  if (schema === undefined) return task.run(input as never, context);
  const checked = schema['~standard'].validate(input);
  if (!(checked instanceof Promise)) return task.run(accepted(checked) as never, context);
  return checked.then((result) => task.run(accepted(result) as never, context));
}

function accepted(checked: StandardSchemaV1.Result<unknown>): unknown {
  if (checked.issues === undefined) return checked.value;
  const issues = checked.issues.slice(0, 10).map((issue) => `${pathOf(issue)}${issue.message}`);
  const more = checked.issues.length > 10 ? `; and ${checked.issues.length - 10} more` : '';
  throw new Unusable(
    'ERR_INPUT_INVALID',
    `the input does not fit the task's schema: ${issues.join('; ')}${more}`,
  );
}

/** As in `points[3].lat: `; nothing for the input as a whole. */
function pathOf({ path }: StandardSchemaV1.Issue): string {
  if (path === undefined || path.length === 0) return '';
  const keys = path.map((segment) => (typeof segment === 'object' ? segment.key : segment));
  const text = keys.map((key, index) =>
    typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key)}`,
  );
  return `${text.join('')}: `;
}

const COMPLETED: Outcome = Object.freeze({ type: 'completed' });

function encode(value: unknown, maxBytes: number): Outcome {
  if (value === undefined) return COMPLETED;
  const result = stringify(value);
  if (result.length * 3 > maxBytes && Buffer.byteLength(result) > maxBytes) {
    const bytes = Buffer.byteLength(result);
    throw new Unusable(
      'ERR_RESULT_TOO_LARGE',
      `the result has ${bytes} bytes as JSON, at most ${maxBytes} are kept: store it elsewhere and return where`,
    );
  }
  return { type: 'completed', result };
}

function stringify(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new Unusable(
      'ERR_RESULT_INVALID',
      `the result cannot be written as JSON: ${toErrorRecord(error).message}`,
      error,
    );
  }
  if (text === undefined) {
    throw new Unusable('ERR_RESULT_INVALID', `the result cannot be written as JSON: it is a ${typeof value}`);
  }
  return text;
}

const timeLimitText = (ms: number): string => `the job ran longer than its limit of ${ms} ms`;

/** Tells the limit and what the handler threw when it was told, unless that is only the abort itself. */
function timeoutRecord(ms: number, thrown: unknown) {
  const { name, message, stack } = toErrorRecord(thrown);
  const own = name === 'ForkloopError' || name === 'AbortError' ? '' : `; it then threw ${name}: ${message}`;
  return {
    name: 'ForkloopError',
    code: 'ERR_JOB_TIMEOUT',
    message: timeLimitText(ms) + own,
    ...(stack === undefined ? {} : { stack }),
  };
}
