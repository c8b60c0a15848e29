/** What a producer hands over, and what it is answered. Durations `...Ms`; `...At` and `now` on the broker's clock. */

import type { EpochMs } from '../../lib/clock.ts';

/** Jobs that are stored together or not at all. A retry repeats the batch as it is: same id, same jobs. */
export interface EnqueueBatch {
  /** A UUID; the broker remembers it until `notAfter` + 60 s, so that a repeat changes nothing. */
  readonly id: string;
  /** After this the batch is answered `late` instead of stored. The broker's clock as last told + 35 s. */
  readonly notAfterAt: EpochMs;
  /** 1 to 256 jobs. */
  readonly jobs: readonly EnqueueJob[];
}

export interface EnqueueJob {
  /** From `encodeJob`. */
  readonly record: string;
  /** 0 = ready at once. */
  readonly delayMs: number;
}

/**
 * `stored`: for each job null, or the id of the live job that already holds its unique key (then the new one was not
 * stored). A repeated batch gets the answer of the first. `late`: nothing was stored by this call; after a first send
 * stamp anew, after a repeat the end is unknown.
 */
export type EnqueueReply =
  | { readonly status: 'stored'; readonly existing: readonly (string | null)[]; readonly now: EpochMs }
  | { readonly status: 'late'; readonly now: EpochMs };
