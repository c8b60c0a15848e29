/** What is asked of the jobs and the pause of a queue, and told of them. Durations `...Ms`; `...At` and `now` on the broker's clock. */

import type { EpochMs } from '../../lib/clock.ts';

export type JobState = 'ready' | 'delayed' | 'in_flight' | 'dead';

/** A stored job as an operator sees it. `record` is what `decodeJob` takes. */
export interface StoredJob {
  readonly state: JobState;
  readonly record: string;
  /** delayed: when it is due. dead: when it died. in_flight: null. ready: null. */
  readonly at: EpochMs | null;
  /** in_flight only: the daemon that has it. */
  readonly daemon: string | null;
}

export interface ListRequest {
  readonly state: JobState;
  readonly limit: number;
}

/** Whether a queue is paused: nothing of it is claimed or made due, what runs goes on and is settled. */
export interface QueuePause {
  /** Rises with every pause and resume; 0: there was none yet. */
  readonly version: number;
  /** Since when it is paused; null = it is not. */
  readonly pausedAt: EpochMs | null;
}

export interface PauseRequest {
  readonly paused: boolean;
  /** One more than the version last told. A request whose version is not above the queue's has no effect. */
  readonly version: number;
}

/** A stored job as it was seen. Whatever happens to it later raises its claims, so that a late request does nothing. */
export interface JobTarget {
  readonly id: string;
  /** Of its record. */
  readonly claims: number;
}

/**
 * `ready`: it is, now or already. `held`: the job of that id has its unique key. `expired`: it may not be started any
 * more. `in_flight`: a daemon has it. `changed`: it was claimed or retried since it was seen. `gone`: none is stored.
 */
export type RetryReply =
  | { readonly status: 'ready' | 'expired' | 'in_flight' | 'changed' | 'gone' }
  | { readonly status: 'held'; readonly holder: string };

export interface DeleteRequest extends JobTarget {
  /** How long the result of a job that had not run is kept, if it asked for one: `cancelled`. */
  readonly resultTtlMs: number;
}

/** `gone`: none of that id is stored (any more). `in_flight`, `changed`: nothing was done, as for RetryReply. */
export interface DeleteReply {
  readonly status: 'gone' | 'in_flight' | 'changed';
}

export type PurgeState = Exclude<JobState, 'in_flight'>;

/** The most jobs that one purge removes. */
export const PURGE_CHUNK = 1_000;

export interface PurgeRequest {
  /** A UUID, remembered as that of an enqueue batch is: a repeat removes nothing more and answers the same number. */
  readonly id: string;
  /** After this it is answered `late`, and removes nothing. */
  readonly notAfterAt: EpochMs;
  readonly state: PurgeState;
  /** 1 to PURGE_CHUNK. */
  readonly limit: number;
  /** As for DeleteRequest. */
  readonly resultTtlMs: number;
}

/** `removed`: by this request; fewer than its limit also when they are large. `more`: jobs of that state are left. */
export type PurgeReply =
  | { readonly status: 'purged'; readonly removed: number; readonly more: boolean; readonly now: EpochMs }
  | { readonly status: 'late'; readonly now: EpochMs };

export interface QueueStats {
  readonly queue: string;
  readonly ready: number;
  readonly delayed: number;
  readonly inFlight: number;
  readonly dead: number;
  /** How long the oldest ready job has existed (by its id's time); null when none is ready. */
  readonly oldestReadyMs: number | null;
  readonly pause: QueuePause;
  /** Since the queue's data began: monotonically rising counts. */
  readonly counters: Readonly<Record<QueueCounter, number>>;
}

export type QueueCounter =
  | 'enqueued'
  | 'completed'
  | 'retried'
  | 'dead'
  | 'expired'
  /** Waited, and were deleted, purged or cancelled. */
  | 'cancelled'
  | 'refused'
  | 'reclaimed';
