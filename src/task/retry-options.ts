import { OptionNames } from '../lib/option-names.ts';
import type { RetryPolicy } from '../lib/retry-policy.ts';
import { type Duration, parseDuration, parsePercent } from '../lib/units.ts';

/** Repeats of failed attempts; what is left out comes from the configuration. */
export interface RetryOptions {
  /** Attempts in all, the first included. */
  readonly attempts?: number;
  readonly backoff?: 'exponential' | 'fixed';
  readonly initial?: Duration;
  readonly max?: Duration;
  /** ± this share of the delay, as in `'20%'`. */
  readonly jitter?: `${number}%`;
}

export const RETRY_OPTIONS = new OptionNames<RetryOptions>('retry', {
  attempts: true,
  backoff: true,
  initial: true,
  max: true,
  jitter: true,
});

/**
 * Retry options with units resolved. `fail` makes the error to throw for a bad value; `subject` begins the message about a
 * name that is none.
 * @throws ForkloopError ERR_OPTION_INVALID: there is no such option; what `fail` makes
 */
export function retryPolicyOf(
  options: RetryOptions,
  fail: (key: string, why: string) => Error,
  subject = '',
): Partial<RetryPolicy> {
  RETRY_OPTIONS.check(options, subject);
  const duration = (key: 'initial' | 'max') => {
    const text = options[key];
    if (text === undefined) return {};
    const ms = parseDuration(text);
    if (ms === null) throw fail(key, `${JSON.stringify(text)} is no duration: write 30s or 500ms`);
    return { [key]: ms };
  };
  const { attempts, backoff, jitter } = options;
  if (attempts !== undefined && !(Number.isInteger(attempts) && attempts >= 1 && attempts <= 999)) {
    throw fail('attempts', `${attempts} is not a whole number from 1 to 999`);
  }
  if (backoff !== undefined && backoff !== 'exponential' && backoff !== 'fixed') {
    throw fail('backoff', `${JSON.stringify(backoff)} is neither exponential nor fixed`);
  }
  const share = jitter === undefined ? undefined : parsePercent(jitter);
  if (share === null) throw fail('jitter', `${JSON.stringify(jitter)} is no percentage: write 20%`);
  return {
    ...(attempts === undefined ? {} : { attempts }),
    ...(backoff === undefined ? {} : { backoff }),
    ...duration('initial'),
    ...duration('max'),
    ...(share === undefined ? {} : { jitter: share }),
  };
}
