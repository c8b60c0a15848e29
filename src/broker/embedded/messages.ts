/** What the master and the store's thread say to each other. Plain data, copied. */

import type { EpochMs } from '../../lib/clock.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import type { Disposition } from '../broker-error.ts';
import type { EnqueueBatch, EnqueueReply } from '../messages/enqueue.ts';
import type { ExchangeReply, ExchangeRequest } from '../messages/exchange.ts';
import type {
  HeartbeatReply,
  ReclaimReply,
  ReclaimRequest,
  ResyncReply,
  ResyncRequest,
  SweepReply,
} from '../messages/lease.ts';
import type {
  DeleteReply,
  DeleteRequest,
  JobTarget,
  ListRequest,
  PauseRequest,
  PurgeReply,
  PurgeRequest,
  QueuePause,
  QueueStats,
  RetryReply,
  StoredJob,
} from '../messages/operator.ts';
import type { FireReply, FireRequest, WatermarkReply } from '../messages/schedule.ts';

/** For each verb what it takes and what it answers. */
export interface Verbs {
  enqueue: [EnqueueBatch, EnqueueReply];
  results: [readonly string[], readonly (string | null)[]];
  stats: [null, QueueStats];
  list: [ListRequest, readonly StoredJob[]];
  find: [string, StoredJob | null];
  setPaused: [PauseRequest, QueuePause];
  retry: [JobTarget, RetryReply];
  delete: [DeleteRequest, DeleteReply];
  purge: [PurgeRequest, PurgeReply];
  open: [{ readonly daemon: string; readonly leaseMs: number }, 'opened' | 'refused'];
  exchange: [ExchangeRequest, ExchangeReply];
  heartbeat: [{ readonly daemon: string; readonly leaseMs: number }, HeartbeatReply];
  resync: [ResyncRequest, ResyncReply];
  closeSession: [{ readonly daemon: string }, null];
  sweep: [{ readonly leaseMs: number }, SweepReply];
  reclaim: [ReclaimRequest, ReclaimReply];
  watermark: [{ readonly schedule: string }, WatermarkReply];
  fire: [FireRequest, FireReply];
}

export type Verb = keyof Verbs;

/** One call. `now` is the caller's wall clock: the store has none of its own. */
export type StoreRequest = {
  [V in Verb]: {
    readonly id: number;
    readonly now: EpochMs;
    readonly queue: string;
    readonly verb: V;
    readonly argument: Verbs[V][0];
  };
}[Verb];

export interface StoreError {
  readonly disposition: Disposition;
  readonly code: ErrorCode;
  readonly message: string;
}

export type StoreReply = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: StoreError }
);

/** To the thread. `close`: answer what came before, close the file, end. */
export type ToStore = StoreRequest | { readonly verb: 'close' };

/** From the thread. */
export type FromStore =
  /** The file is open; `ready`: queues with jobs to claim. */
  | { readonly type: 'opened'; readonly ready: readonly string[] }
  /** The file cannot be opened; the thread ends. */
  | { readonly type: 'unfit'; readonly code: ErrorCode; readonly message: string }
  /** A transaction is on disk; `woken`: queues that got something to claim. */
  | { readonly type: 'committed'; readonly replies: readonly StoreReply[]; readonly woken: readonly string[] }
  /** A transaction failed in a way that is not repaired; the thread ends. */
  | { readonly type: 'failed'; readonly message: string };
