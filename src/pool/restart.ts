/** When a worker that ended is replaced. Pure: times and chances are arguments. */

import type { Random } from '../lib/random.ts';

/** Durations in milliseconds. */
export interface RestartPolicy {
  /** The first delay; each further unstable exit of the slot multiplies it by `factor`, up to `max`. */
  readonly initial: number;
  readonly factor: number;
  readonly max: number;
  /** ± this share of the delay. */
  readonly jitter: number;
  /** A worker is stable when it was ready for so long, or has completed a job. */
  readonly stableAfter: number;
  /** More than `intensity` + workers unstable exits in `period`, and no worker stable in between, open the breaker. */
  readonly intensity: number;
  readonly period: number;
}

/**
 * Open = crash loop: one probe worker at a time, every `max`; closed again when one is stable. Never final, and a worker
 * that still runs is left alone.
 */
export interface Breaker {
  readonly state: 'closed' | 'open';
  /** Monotonic times of unstable exits within the period, since a worker was stable. */
  readonly exits: readonly number[];
}

export const CLOSED: Breaker = { state: 'closed', exits: [] };

/** The breaker after an unstable exit. */
export function afterUnstableExit(
  policy: RestartPolicy,
  breaker: Breaker,
  now: number,
  workers: number,
): Breaker {
  const exits = [...breaker.exits.filter((at) => at > now - policy.period), now];
  const open = breaker.state === 'open' || exits.length > policy.intensity + workers;
  return { state: open ? 'open' : 'closed', exits };
}

/** How long to wait before the replacement. `failures`: unstable exits of this slot in a row before this exit. */
export function restartDelay(
  policy: RestartPolicy,
  breaker: Breaker,
  failures: number,
  random: Random,
): number {
  const delay =
    breaker.state === 'open' ? policy.max : Math.min(policy.max, policy.initial * policy.factor ** failures);
  return Math.round(delay * (1 + policy.jitter * (2 * random() - 1)));
}
