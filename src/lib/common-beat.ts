import type { Clock } from './clock.ts';

/** Moments that all of a process share, this far apart. Those of another process are others. */
const BEAT_MS = 1_000;

/**
 * What several parts do every so many seconds wakes an idle process once, and what they ask the broker goes out together:
 * a wait of whole seconds ends on the nearest moment that all share. So its first round is up to half a second longer or
 * shorter, all others are as long as they should be. Other waits are left as they are.
 */
export function toBeat(clock: Pick<Clock, 'monotonic'>, ms: number): number {
  if (ms < BEAT_MS || ms % BEAT_MS !== 0) return ms;
  const now = clock.monotonic();
  return Math.max(1, Math.ceil(Math.round((now + ms) / BEAT_MS) * BEAT_MS - now));
}
