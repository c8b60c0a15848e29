/** How far schedules have come. Durations `...Ms`; `...At` and `now` on the broker's clock. */

import type { EpochMs } from '../../lib/clock.ts';

/** How far ahead of the broker's clock a watermark may lie, ms. Beyond, the clock was wrong: it starts over from now. */
export const WATERMARK_AHEAD_MS = 3_600_000;

/** How far a schedule has come, kept with its queue. */
export interface Watermark {
  /** The last nominal tick that was fired, or the time from which on its ticks are fired. */
  readonly tick: EpochMs;
  /** The live job that held the unique key when the tick came, so that its own job was not stored; null without one. */
  readonly holder: string | null;
}

export interface WatermarkReply {
  readonly watermark: Watermark;
  readonly now: EpochMs;
}

export interface FireRequest {
  readonly schedule: string;
  /** The tick of the watermark as last told. */
  readonly previous: EpochMs;
  /** Later than `previous`. */
  readonly tick: EpochMs;
  /** From `encodeJob`; its id is the same whoever fires this tick. */
  readonly record: string;
}

/**
 * The watermark after the call. Its tick is the request's: this tick was fired, by this call, an earlier copy of it or
 * another daemon. Another: nothing was done, for the schedule stands there (or the tick is not due on the broker's
 * clock). Null: nothing is known of the schedule, nothing was done.
 */
export interface FireReply {
  readonly watermark: Watermark | null;
  readonly now: EpochMs;
}
