/**
 * What is asked and told of queues as the broker has them.
 * Durations in seconds where the key says so, sizes in bytes, times as ISO 8601 texts, ready to be printed as JSON.
 */

import type { PurgeState, QueueCounter } from '../../broker/messages/operator.ts';

export interface QueuesReport {
  readonly schema: 'forkloop.queues/1';
  readonly queues: readonly StoredQueueReport[];
}

export interface QueueRequest {
  readonly name: string;
}

/** A queue as the broker tells it now. */
export interface StoredQueueReport {
  readonly schema: 'forkloop.queue/1';
  readonly name: string;
  readonly pool: string;
  readonly paused: boolean;
  /** Null while it is not paused. */
  readonly paused_since: string | null;
  readonly ready: number;
  readonly delayed: number;
  readonly in_flight: number;
  readonly dead: number;
  /** How long the oldest ready job has existed; null when none is ready. */
  readonly oldest_ready_seconds: number | null;
  /** Since the queue's data began. */
  readonly counters: Readonly<Record<QueueCounter, number>>;
}

export interface QueuePauseReport {
  readonly schema: 'forkloop.queue-pause/1';
  readonly name: string;
  readonly paused: boolean;
  /** Null when it is not paused. */
  readonly paused_since: string | null;
  /** False: it was so already. */
  readonly changed: boolean;
}

/** The most jobs that one `queue_purge` removes. */
export const PURGE_LIMIT = 10_000;

export interface QueuePurgeRequest {
  readonly name: string;
  readonly state: PurgeState;
  /** 1 to PURGE_LIMIT. */
  readonly limit: number;
}

export interface QueuePurgeReport {
  readonly schema: 'forkloop.queue-purge/1';
  readonly name: string;
  readonly state: PurgeState;
  readonly removed: number;
  /** Jobs of that state are left. */
  readonly more: boolean;
}
