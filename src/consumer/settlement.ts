/** What the broker is told about an attempt that ended: pure decisions, one for each Outcome. */

import { encodeError } from '../broker/job-record.ts';
import type { ResultRecord, Settlement, StoredResult } from '../broker/messages/exchange.ts';
import { type ErrorRecord, toldError } from '../lib/errors.ts';
import type { Random } from '../lib/random.ts';
import type { RetryPolicy } from '../lib/retry-policy.ts';
import type { Outcome } from '../task/outcome.ts';
import { retryDelay } from '../task/retry.ts';

/** A job whose worker died this often while it ran alone in it is dead: it would kill the next one too. */
export const CRASH_LIMIT = 3;

/** Until a suspect for which no worker could be started is tried again: meanwhile the pool runs its other jobs. */
const UNSTARTED_MS = 5_000;

/** What is known of the delivery that ended. */
export interface SettledAttempt {
  readonly token: string;
  readonly failures: number;
  readonly crashes: number;
  readonly retry: RetryPolicy;
  /** How long its result is kept, ms; null = not at all. */
  readonly resultTtlMs: number | null;
}

export function settlementOf(attempt: SettledAttempt, outcome: Outcome, random: Random): Settlement {
  const { token } = attempt;
  switch (outcome.type) {
    case 'completed':
      return { type: 'ack', token, ...completedResult(attempt, outcome.result) };
    case 'failed':
      return failed(attempt, outcome.error, outcome.retryable, outcome.retryAfterMs, random);
    case 'timed_out':
      return failed(attempt, outcome.error, true, undefined, random);
    case 'snoozed':
      return { type: 'snooze', token, delayMs: outcome.delayMs };
    case 'interrupted':
      return { type: 'release', token };
    case 'unstarted':
      return {
        type: 'retry',
        token,
        delayMs: UNSTARTED_MS,
        count: 'none',
        error: encodeError(outcome.error),
      };
    case 'crashed':
      return crashed(attempt, outcome.error);
    case 'lost':
      return { type: 'retry', token, delayMs: 0, count: 'recovery', error: encodeError(outcome.error) };
  }
}

/** A job that can never run: its record or its input cannot be read. */
export function unreadable(token: string, error: ErrorRecord): Settlement {
  return { type: 'dead', token, count: 'none', error: encodeError(error) };
}

/** A suspect that took down its daemon so often: nobody who could have settled it lived on. */
export function exhausted(attempt: SettledAttempt): Settlement {
  const message = `it is not run again: it ran alone each of the ${attempt.crashes} times that its worker or its whole daemon ended`;
  return dead(attempt, 'none', { name: 'ForkloopError', code: 'ERR_WORKER_CRASHED', message });
}

function failed(
  attempt: SettledAttempt,
  error: ErrorRecord,
  retryable: boolean,
  retryAfterMs: number | undefined,
  random: Random,
): Settlement {
  const failures = attempt.failures + 1;
  if (!retryable || failures >= attempt.retry.attempts) return dead(attempt, 'failure', error);
  const delayMs = retryAfterMs ?? retryDelay(attempt.retry, failures, random);
  return { type: 'retry', token: attempt.token, delayMs, count: 'failure', error: encodeError(error) };
}

/** Waits 1 s, 2 s … : whatever kills workers must not kill them as fast as they start. */
function crashed(attempt: SettledAttempt, error: ErrorRecord): Settlement {
  const crashes = attempt.crashes + 1;
  if (crashes >= CRASH_LIMIT) return dead(attempt, 'crash', error);
  const delayMs = 1_000 * 2 ** (crashes - 1);
  return { type: 'retry', token: attempt.token, delayMs, count: 'crash', error: encodeError(error) };
}

function dead(attempt: SettledAttempt, count: 'failure' | 'crash' | 'none', error: ErrorRecord): Settlement {
  return {
    type: 'dead',
    token: attempt.token,
    count,
    error: encodeError(error),
    ...stored(attempt, JSON.stringify({ status: 'dead', error: toldError(error) } satisfies ResultRecord)),
  };
}

/** The result is spliced in as text: it is JSON already, and large. */
function completedResult(attempt: SettledAttempt, result: string | undefined): { result?: StoredResult } {
  return attempt.resultTtlMs === null
    ? {}
    : stored(attempt, `{"status":"completed","result":${result ?? 'null'}}`);
}

function stored({ resultTtlMs }: SettledAttempt, json: string): { result?: StoredResult } {
  return resultTtlMs === null ? {} : { result: { json, ttlMs: resultTtlMs } };
}
