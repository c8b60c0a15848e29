import type { Clock } from './clock.ts';

/** Moments that all of a process share, this far apart. */
const BEAT_MS = 250;
/** Shorter waits are left as they are: a quarter more or less would matter to them. */
const SHORTEST_MS = 500;

/**
 * About `ms`, so that the wait ends on a moment that others wait for as well: what several parts do once a second wakes an idle
 * process once, and what they ask the broker goes out together. At most 125 ms more or less; a wait of whole
 * seconds that begins on such a moment keeps its length.
 */
export function toBeat(clock: Pick<Clock, 'monotonic'>, ms: number): number {
  if (ms < SHORTEST_MS) return ms;
  const now = clock.monotonic();
  return Math.max(1, Math.ceil(Math.round((now + ms) / BEAT_MS) * BEAT_MS - now));
}
