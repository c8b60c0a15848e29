/** How failed attempts are repeated. Durations in milliseconds. */
export interface RetryPolicy {
  /** Attempts in all, the first included; 1 = a failure is not repeated. Crashes are counted apart, three at most. */
  readonly attempts: number;
  readonly backoff: 'exponential' | 'fixed';
  readonly initial: number;
  readonly max: number;
  /** ± this share of the delay: 0.2 = ± 20 %. */
  readonly jitter: number;
}
