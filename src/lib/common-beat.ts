import type { Clock } from './clock.ts';

/**
 * What several parts do every so many seconds wakes an idle process once, and what they ask the broker goes out together:
 * where the clock has a beat, a wait of whole beats ends on the nearest, and one whose length matters little, `about`, as well.
 * So the first round is up to half a beat longer or shorter, and all others are as long as they should be. Other waits are left
 * as they are.
 */
export function toBeat(
  clock: Pick<Clock, 'monotonic' | 'beatMs'>,
  ms: number,
  length: 'exactly' | 'about' = 'exactly',
): number {
  const { beatMs } = clock;
  if (beatMs === undefined || ms < beatMs / 2 || (length === 'exactly' && ms % beatMs !== 0)) return ms;
  const now = clock.monotonic();
  return Math.max(1, Math.ceil(Math.round((now + ms) / beatMs) * beatMs - now));
}
