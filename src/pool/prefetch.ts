/**
 * How many deliveries may wait inside a process worker behind the one that runs. A buffer saves the round trip between two
 * jobs, which only counts where jobs are as short as the trip; behind a long job it would hold others hostage. Pure.
 */

const SHORT_MS = 2;
const DEEPEST = 32;
/** What the buffer holds should be done within this time. */
const BUFFERED_MS = 4;

/** Mean run time in milliseconds; null = nothing known. */
export type MeanRun = number | null;

const WEIGHT = 0.1;

/** A moving mean: one long run among short ones shows at once, and is forgotten after some twenty. */
export function addRun(mean: MeanRun, runMs: number): number {
  return mean === null ? runMs : mean + WEIGHT * (runMs - mean);
}

/** 0 unless the jobs are known to be short. */
export function prefetchDepth(mean: MeanRun): number {
  if (mean === null || mean > SHORT_MS) return 0;
  return Math.min(DEEPEST, Math.ceil(BUFFERED_MS / Math.max(mean, BUFFERED_MS / DEEPEST)));
}
