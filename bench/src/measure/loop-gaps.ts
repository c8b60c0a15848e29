/**
 * How late an event loop is, from a timer that is to fire each `resolutionMs`: the gaps between its firings. An idle loop
 * has gaps of the resolution, so what a gap has above it is delay.
 */
export interface LoopGaps {
  readonly resolutionMs: number;
  readonly count: number;
  /** At each of `QUANTILES`, rising. */
  readonly gapsMs: readonly number[];
  readonly maxMs: number;
  /** CPU time of the loop's thread between two firings of another such timer, each. Where it waited for a core is not in it. */
  readonly workMs: readonly number[];
}

const STEPS = 4_000;
/** Middles of equal shares: all together stand for all gaps. */
export const QUANTILES: readonly number[] = Array.from({ length: STEPS }, (_, step) => (step + 0.5) / STEPS);

/** What each firing was late, milliseconds; all count the same. */
export function delaysOf({ gapsMs, resolutionMs }: LoopGaps): number[] {
  return gapsMs.map((gap) => Math.max(0, gap - resolutionMs));
}

/**
 * The delay that this share of events does not exceed, when events come at any moment: a long gap is met by more of them
 * than a short one, while among firings it counts as one. NaN of no gaps.
 */
export function feltDelay(gaps: LoopGaps, share: number): number {
  const delays = delaysOf(gaps);
  if (delays.length === 0) return Number.NaN;
  const total = gaps.gapsMs.reduce((sum, gap) => sum + gap, 0);
  const longer = (ms: number) => delays.reduce((sum, delay) => sum + Math.max(0, delay - ms), 0) / total;
  let [low, high] = [0, Math.max(...delays)];
  while (high - low > 0.001) {
    const middle = (low + high) / 2;
    if (longer(middle) > 1 - share) low = middle;
    else high = middle;
  }
  return high;
}
