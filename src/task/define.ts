import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ForkloopError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { OptionNames } from '../lib/option-names.ts';
import type { RetryPolicy } from '../lib/retry-policy.ts';
import { type Duration, parseDuration } from '../lib/units.ts';
import { RETRY_OPTIONS, type RetryOptions, retryPolicyOf } from './retry-options.ts';

/** What a handler is told about its attempt, and may say. */
export interface TaskContext {
  /** The job's id: the same in every attempt, so the natural idempotency key of a side effect. */
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  /**
   * 1 for the first, + 1 after each attempt that failed. A crash is none: an attempt whose worker died comes again under the
   * same number. Crashes are counted apart; with the third the job is dead, whatever attempts are left.
   */
  readonly attempt: number;
  /**
   * Rises with every delivery of this job, also where `attempt` stays: a store that refuses a lower number than it saw keeps a
   * stale run out.
   */
  readonly fence: number;
  /** Aborts at the soft time limit, a cancel, the end of a drain or a lost lease; `reason.code` tells which. */
  readonly signal: AbortSignal;
  /** Records go to the daemon's log with the job's id. */
  readonly log: Logger;
  readonly headers: Readonly<Record<string, string>>;
  /** Shown by `job show` and `status`. At most four a second leave the worker: call it as often as you like. */
  progress(done: number, total?: number): void;
}

/** A task's own defaults. The enqueuing call and then these win over the configuration's queue, pool and defaults. */
export interface TaskOptions {
  /** Queue of its jobs where neither the call nor a route of the configuration names one. */
  readonly queue?: string;
  /** Soft limit: the signal aborts. */
  readonly timeout?: Duration;
  /** Hard limit, so long after the soft one: the attempt is ended by force. */
  readonly killAfter?: Duration;
  readonly retry?: RetryOptions;
}

/** Task options with units resolved: what a worker tells the master, which loads no task module itself. */
export interface TaskManifest {
  readonly name: string;
  readonly queue?: string;
  readonly timeoutMs?: number;
  readonly killAfterMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  /** Whether inputs are checked against a schema. */
  readonly validated: boolean;
}

type Handler<Input, Output> = (input: Input, context: TaskContext) => Output | Promise<Output>;

const BRAND: unique symbol = Symbol.for('forkloop.task') as never;
declare const types: unique symbol;

/** A task as `defineTask` makes it. `Input` is what callers give, `Output` what the handler returns. */
export interface Task<Input = unknown, Output = unknown> {
  readonly [BRAND]: 1;
  readonly name: string;
  readonly manifest: TaskManifest;
  readonly schema: StandardSchemaV1 | undefined;
  /** The handler. Takes the parsed input: call it directly only with what the schema would have produced. */
  readonly run: (input: never, context: TaskContext) => unknown;
  /** Never there: carries the types. */
  readonly [types]?: { input: Input; output: Output };
}

// biome-ignore lint/suspicious/noExplicitAny: the only type that every Task is assignable to
export type AnyTask = Task<any, any>;

/**
 * Defines a task once for both sides: callers get its name and types, workers its handler.
 *
 * With `input` (any Standard Schema: zod, valibot, arktype …) the caller's value is checked before it is stored and parsed
 * in the worker; the handler gets the parsed value. Without it the handler's parameter type is all there is.
 *
 * @throws ForkloopError ERR_TASK_INVALID for a name, or a value of an option, that cannot be; ERR_OPTION_INVALID for an
 * option that there is not.
 */
export function defineTask<Schema extends StandardSchemaV1, Output>(
  name: string,
  definition: TaskOptions & {
    readonly input: Schema;
    readonly run: Handler<StandardSchemaV1.InferOutput<Schema>, Output>;
  },
): Task<StandardSchemaV1.InferInput<Schema>, Output>;
export function defineTask<Input = void, Output = unknown>(
  name: string,
  definition: TaskOptions & { readonly input?: undefined; readonly run: Handler<Input, Output> },
): Task<Input, Output>;
export function defineTask(
  name: string,
  definition: TaskOptions & {
    readonly input?: StandardSchemaV1 | undefined;
    readonly run: Handler<never, unknown>;
  },
): AnyTask {
  if (typeof name !== 'string' || !TASK_NAME.test(name)) {
    throw invalid(name, 'a task name is letters, digits and . _ - : (at most 100), as in "location.filter"');
  }
  DEFINITION.check(definition, `task ${JSON.stringify(name)}: `);
  if (typeof definition.run !== 'function') throw invalid(name, 'run must be a function');
  return {
    [BRAND]: 1,
    name,
    manifest: manifestOf(name, definition),
    schema: definition.input,
    run: definition.run,
  };
}

const DEFINITION = new OptionNames<TaskOptions & { input: unknown; run: unknown }>(
  'defineTask',
  { queue: true, timeout: true, killAfter: true, retry: true, input: true, run: true },
  { retry: RETRY_OPTIONS },
);

export const TASK_NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/;

/** Whether an export of a module is a task, of whichever copy of this package. */
export function isTask(value: unknown): value is AnyTask {
  return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === 1;
}

function manifestOf(
  name: string,
  { queue, timeout, killAfter, retry, input }: TaskOptions & { input?: unknown },
): TaskManifest {
  return {
    name,
    validated: input !== undefined,
    ...(queue === undefined ? {} : { queue }),
    ...(timeout === undefined ? {} : { timeoutMs: durationOf(name, 'timeout', timeout) }),
    ...(killAfter === undefined ? {} : { killAfterMs: durationOf(name, 'killAfter', killAfter) }),
    ...(retry === undefined
      ? {}
      : {
          retry: retryPolicyOf(
            retry,
            (key, why) => invalid(name, `retry.${key}: ${why}`),
            `task ${JSON.stringify(name)}: `,
          ),
        }),
  };
}

function durationOf(name: string, key: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw invalid(name, `${key}: ${JSON.stringify(text)} is no duration: write 30s or 500ms`);
  return ms;
}

function invalid(name: string, why: string): ForkloopError {
  return new ForkloopError('ERR_TASK_INVALID', `task ${JSON.stringify(name)}: ${why}`);
}
