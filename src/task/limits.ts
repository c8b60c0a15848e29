import type { RetryPolicy } from '../lib/retry-policy.ts';

/** What can be said about attempts, at any level. Durations in milliseconds. */
export interface AttemptSettings {
  /** Soft limit; 0 = none. */
  readonly timeoutMs?: number | undefined;
  readonly killAfterMs?: number | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
}

export interface AttemptLimits {
  readonly timeoutMs: number;
  readonly killAfterMs: number;
  readonly retry: RetryPolicy;
}

/**
 * The settings of one attempt. `levels` from the nearest to the job to the farthest: the enqueuing call, the task, the
 * queue, the pool; for each single setting the nearest level that has it wins, then `defaults`.
 */
export function resolveLimits(levels: readonly AttemptSettings[], defaults: AttemptLimits): AttemptLimits {
  const nearest = <T>(pick: (level: AttemptSettings) => T | undefined, last: T): T => {
    for (const level of levels) {
      const value = pick(level);
      if (value !== undefined) return value;
    }
    return last;
  };
  const retry = <Key extends keyof RetryPolicy>(key: Key) =>
    nearest<RetryPolicy[Key]>((level) => level.retry?.[key], defaults.retry[key]);
  return {
    timeoutMs: nearest((level) => level.timeoutMs, defaults.timeoutMs),
    killAfterMs: nearest((level) => level.killAfterMs, defaults.killAfterMs),
    retry: {
      attempts: retry('attempts'),
      backoff: retry('backoff'),
      initial: retry('initial'),
      max: retry('max'),
      jitter: retry('jitter'),
    },
  };
}
