/** Null = nothing known. */
export type MovingMean = number | null;

const WEIGHT = 0.1;

/** One large value among small ones shows at once, and is forgotten after some twenty. */
export function addToMean(mean: MovingMean, value: number): number {
  return mean === null ? value : mean + WEIGHT * (value - mean);
}
