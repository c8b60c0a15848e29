/** When a queue's next exchange is sent, and how much it claims: pure. */

import { BATCH_LIMIT } from '../broker/messages/batch.ts';
import type { MovingMean } from '../lib/moving-mean.ts';

/** Worth a second exchange while one is under way; below, it waits for the answer and travels with what gathers. */
const SECOND_LANE_FROM = 64;

/**
 * The most that is claimed by an exchange which stands behind a wait: so much goes to a daemon that has been stopped
 * meanwhile, and comes back when its lease has lapsed.
 */
export const STANDING_CLAIM = 8;

/** With a shorter time to the fence nothing stands behind waits: what an answer brings after so long would not be started. */
export const STANDING_FENCE_MS = 6_000;

export interface LineState {
  /** Exchanges of this queue that are not answered: 0, 1 or 2. */
  readonly underWay: number;
  readonly settlements: number;
  /** There may be something to claim. */
  readonly hungry: boolean;
}

/**
 * How many jobs to claim in an exchange that is sent now, or null when none should be sent: at once while nothing is under
 * way; beside another one only with a batch that is worth it. `share`: free slots that this queue may fill.
 */
export function nextClaim({ underWay, settlements, hungry }: LineState, share: number): number | null {
  const claim = Math.max(0, Math.min(share, BATCH_LIMIT));
  const wanted = hungry ? claim : 0;
  const least = underWay === 0 ? 1 : SECOND_LANE_FROM;
  if (settlements < least && wanted < least) return null;
  return claim;
}

/** As long as the jobs of a batch take no longer together, their queues may take turns by batches instead of by jobs. */
const SHORT_RUN_MS = 20;
/** Worth a script: smaller claims cost a job several times as much. */
const LEAST_OF_SHORT = 16;

/**
 * Free slots split among the queues that may have jobs, so that a long one does not take them all. Of short jobs each queue
 * claims a batch when its turn comes, however many queues there are. `meanRunMs`: of late; null = not known.
 */
export function shareOf(free: number, hungryQueues: number, meanRunMs: MovingMean): number {
  const share = Math.ceil(Math.max(0, free) / Math.max(1, hungryQueues));
  const areShort = meanRunMs !== null && meanRunMs <= SHORT_RUN_MS;
  return areShort ? Math.min(Math.max(0, free), Math.max(share, LEAST_OF_SHORT)) : share;
}
