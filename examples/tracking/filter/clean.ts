import { haversine, type LatLng } from './geodesy.ts';

/** A fix as devices send it; `at` is ISO 8601. */
export interface Point extends LatLng {
  readonly at: string;
}

/** A fix with its time as a number, milliseconds since 1970. */
export interface Fix extends LatLng {
  readonly at: number;
}

/** Faster than any train: two fixes that ask for more contradict each other. */
export const MAX_SPEED_M_S = 100;
/** What noise may add to the way between two fixes, metres. */
export const JUMP_ALLOWANCE_M = 50;
/** How many fixes back a predecessor is looked for, beside the end of the longest chain. Bounds the work on bad traces. */
const LOOKBACK = 64;

/**
 * The fixes that can be true together, by time: without those that are not on the globe or have no time, without repeats
 * of a moment, and without impossible jumps. The order of the input does not matter.
 */
export function clean(points: readonly Point[]): Fix[] {
  return longestPlausibleChain(withoutRepeats(byTime(points)));
}

/** Total order (time, then place), so that the same fixes in any order give the same result. */
function byTime(points: readonly Point[]): Fix[] {
  return points
    .map(({ lat, lng, at }) => ({ lat, lng, at: Date.parse(at) }))
    .filter(({ lat, lng, at }) => Math.abs(lat) <= 90 && Math.abs(lng) <= 180 && Number.isFinite(at))
    .sort((a, b) => a.at - b.at || a.lat - b.lat || a.lng - b.lng);
}

/** A device is at one place at a time: of several fixes of one moment the first stays. */
function withoutRepeats(fixes: readonly Fix[]): Fix[] {
  return fixes.filter((fix, i) => i === 0 || fix.at !== fixes[i - 1]?.at);
}

/**
 * The largest set of fixes in which each can be reached from the one before. Comparing with the last kept fix alone
 * would let one early outlier throw away the whole rest of a trace; here the outlier is what is left over.
 *
 * Dynamic programming over the ends of chains, as for the longest increasing subsequence (M. L. Fredman, "On computing
 * the length of longest increasing subsequences", Discrete Mathematics 11, 1975), with a bounded look back.
 */
function longestPlausibleChain(fixes: readonly Fix[]): Fix[] {
  const length = new Int32Array(fixes.length);
  const previous = new Int32Array(fixes.length).fill(-1);
  let longest = -1; // where the longest chain so far ends
  for (let i = 0; i < fixes.length; i++) {
    const best = longestReaching(fixes, length, longest, i);
    previous[i] = best;
    length[i] = best < 0 ? 1 : length[best]! + 1;
    if (longest < 0 || length[i]! > length[longest]!) longest = i;
  }
  const chain: Fix[] = [];
  for (let i = longest; i >= 0; i = previous[i]!) chain.push(fixes[i]!);
  return chain.reverse();
}

/** Where the longest chain ends that fix `i` can continue: the nearest of equals, -1 when there is none. */
function longestReaching(fixes: readonly Fix[], length: Int32Array, longest: number, i: number): number {
  let best = -1;
  for (let j = i - 1; j >= Math.max(0, i - LOOKBACK); j--) {
    if ((best < 0 || length[j]! > length[best]!) && isReachable(fixes[j]!, fixes[i]!)) best = j;
    if (best >= 0 && length[best] === length[longest]) return best; // nothing longer exists
  }
  const canBeatBest = longest >= 0 && (best < 0 || length[longest]! > length[best]!);
  return canBeatBest && isReachable(fixes[longest]!, fixes[i]!) ? longest : best;
}

function isReachable(from: Fix, to: Fix): boolean {
  return haversine(from, to) <= JUMP_ALLOWANCE_M + (MAX_SPEED_M_S * (to.at - from.at)) / 1_000;
}
