import type { RetryPolicy } from '../lib/retry-policy.ts';

/** What the enqueuing call said about this one job; what it left out is found in task, queue, pool and defaults. */
export interface JobOptions {
  /** Soft time limit, ms. */
  readonly timeout?: number;
  readonly retry?: Partial<RetryPolicy>;
  /** How long the result is kept, ms. Set whenever the result is kept at all by the call's own wish. */
  readonly resultTtl?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

type Check = (value: unknown) => boolean;

const duration: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

const RETRY: Readonly<Record<keyof RetryPolicy, Check>> = {
  attempts: (value) => Number.isInteger(value) && (value as number) >= 1,
  backoff: (value) => value === 'exponential' || value === 'fixed',
  initial: duration,
  max: duration,
  jitter: (value) => typeof value === 'number' && value >= 0 && value <= 1,
};

const OPTIONS: Readonly<Record<keyof JobOptions, Check>> = {
  timeout: duration,
  retry: (value) => fits(value, RETRY),
  resultTtl: duration,
  headers: (value) => isObject(value) && Object.values(value).every((header) => typeof header === 'string'),
};

/**
 * Whether what was read from a record can be acted on: somebody may have written to the store past all checks. Keys that
 * a newer version may have added are let through.
 */
export const areJobOptions = (value: unknown): value is JobOptions => fits(value, OPTIONS);

function fits(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  if (!isObject(value)) return false;
  return Object.entries(checks).every(([key, check]) => !Object.hasOwn(value, key) || check(value[key]));
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
