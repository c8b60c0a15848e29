/**
 * How many deliveries may wait inside a worker behind those that run. A buffer saves the round trip between two jobs, which
 * only counts where jobs are about as short as the trip; behind long jobs it would hold others hostage. Pure.
 */

import type { MovingMean } from '../lib/moving-mean.ts';

/** 0 unless the jobs are known to be short. `mean`: of their run times, milliseconds. */
export function prefetchDepth(mean: MovingMean, concurrency: number): number {
  return concurrency === 1 ? behindOne(mean) : behindMany(mean, concurrency);
}

const SHORT_MS = 2;
const DEEPEST = 128;
/** What the buffer holds should be done within this time. */
const BUFFERED_MS = 4;

function behindOne(mean: MovingMean): number {
  if (mean === null || mean > SHORT_MS) return 0;
  return Math.min(DEEPEST, Math.ceil(BUFFERED_MS / Math.max(mean, BUFFERED_MS / DEEPEST)));
}

/**
 * What the buffer holds should have begun within this time. As the master sees it, its own batches included, even jobs that do
 * nothing take some milliseconds, when there are many.
 */
const BEGUN_MS = 20;
const DEEPEST_AMONG_MANY = 256;

/** The next ones are there when a batch has ended. */
function behindMany(mean: MovingMean, concurrency: number): number {
  if (mean === null || mean > BEGUN_MS) return 0;
  return Math.min(DEEPEST_AMONG_MANY, Math.floor((concurrency * BEGUN_MS) / Math.max(mean, 1)));
}
