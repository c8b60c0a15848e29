import type { Random } from '../lib/random.ts';
import type { RetryPolicy } from '../lib/retry-policy.ts';

/** Doubles with every failure, up to the policy's maximum. */
const FACTOR = 2;

/** Milliseconds to wait after the `failures`-th failure (from 1), spread by the policy's jitter; never above `max` + jitter. */
export function retryDelay(policy: RetryPolicy, failures: number, random: Random): number {
  const growth = policy.backoff === 'exponential' ? FACTOR ** Math.min(failures - 1, 60) : 1;
  const delay = Math.min(policy.max, policy.initial * growth);
  return Math.round(delay * (1 + policy.jitter * (2 * random() - 1)));
}
