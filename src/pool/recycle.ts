/** When a worker has served its time. Pure: the chance is an argument. */

import type { Random } from '../lib/random.ts';

/** Left out = no limit. Durations in milliseconds, memory in bytes. */
export interface RecyclePolicy {
  readonly maxJobs?: number;
  readonly maxAge?: number;
  /** Resident memory. `soft`: replaced when its job has ended. `hard`: killed at once, which is a crash. */
  readonly maxRss?: { readonly soft?: number; readonly hard?: number };
}

export type RecycleReason = 'max_jobs' | 'max_age' | 'max_rss';

/** The limits of one worker; Infinity where there is none. */
export interface Lifetime {
  readonly jobs: number;
  readonly ageMs: number;
  readonly softRss: number;
  readonly hardRss: number;
}

export interface ServiceRecord {
  /** Jobs whose handlers were called and have ended. */
  readonly jobs: number;
  readonly ageMs: number;
  /** Null while it is not known. */
  readonly rss: number | null;
}

/** Both ways: workers that were started together do not reach their limits together. */
const JITTER = 0.1;

/** The hard limit is exact: what is beyond it endangers the machine. */
export function lifetimeOf({ maxJobs, maxAge, maxRss }: RecyclePolicy, random: Random): Lifetime {
  const spread = (limit: number | undefined) =>
    limit === undefined ? Number.POSITIVE_INFINITY : limit * (1 + JITTER * (2 * random() - 1));
  const hardRss = maxRss?.hard ?? Number.POSITIVE_INFINITY;
  return {
    jobs: Math.max(1, Math.round(spread(maxJobs))),
    ageMs: spread(maxAge),
    softRss: Math.min(spread(maxRss?.soft), hardRss),
    hardRss,
  };
}

/** Why a worker should be replaced; null = it should not. */
export function recycleReason(lifetime: Lifetime, { jobs, ageMs, rss }: ServiceRecord): RecycleReason | null {
  if (rss !== null && rss > lifetime.softRss) return 'max_rss';
  if (jobs >= lifetime.jobs) return 'max_jobs';
  return ageMs >= lifetime.ageMs ? 'max_age' : null;
}
