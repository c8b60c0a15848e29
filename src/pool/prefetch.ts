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

/** As the master sees it, its own batches included: so long even jobs take that do nothing, when there are many. */
const SHORT_AMONG_MANY_MS = 20;
const DEEPEST_AMONG_MANY = 256;

/** As many again: the next ones are there when a batch has ended, and each waits for about as long as one job runs. */
function behindMany(mean: MovingMean, concurrency: number): number {
  return mean === null || mean > SHORT_AMONG_MANY_MS ? 0 : Math.min(DEEPEST_AMONG_MANY, concurrency);
}
