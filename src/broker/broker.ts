/**
 * The broker contract: what a store of jobs must do, whatever it is made of. Implementations: `redis/`, `embedded/`,
 * `memory/`; one suite tests them all (test/contract/broker.ts).
 *
 * Every operation works on one queue and may be sent twice: the same call has the same effect once and the same answer.
 * A call ends within the call deadline: with an answer, or with a BrokerError that says what may have happened.
 * All `...Ms` are durations in milliseconds, all `...At` and `now` are EpochMs **on the broker's clock**.
 */

import type { ForkloopError } from '../lib/errors.ts';
import type { EnqueueBatch, EnqueueReply } from './messages/enqueue.ts';
import type { ExchangeReply, ExchangeRequest, OnRead } from './messages/exchange.ts';
import type {
  HeartbeatReply,
  ReclaimReply,
  ReclaimRequest,
  ResyncReply,
  ResyncRequest,
  SweepReply,
} from './messages/lease.ts';
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
} from './messages/operator.ts';
import type { FireReply, FireRequest, WatermarkReply } from './messages/schedule.ts';

/** What a program that only enqueues and looks needs. The daemon's own broker can do it too. */
export interface BrokerClient extends AsyncDisposable {
  readonly type: 'redis' | 'embedded' | 'memory';
  /**
   * Connects and checks that the store is fit for jobs. Resolves even when the broker does not answer yet: calls then
   * end `refused` until it does. Rejects with ERR_BROKER_UNFIT when the store can never keep the promise.
   */
  start(): Promise<void>;
  /** Whether the last call was answered. */
  readonly up: boolean;
  /** @throws BrokerError ERR_BROKER_FULL (refused) when the store has no room. */
  enqueue(queue: string, batch: EnqueueBatch): Promise<EnqueueReply>;
  /**
   * For each id its stored result (JSON, see `ResultRecord`), or null: not there yet, not kept, or past its time. Where
   * they pass BATCH_BYTES_LIMIT together, those after the one that does may be null too: whoever asks again for what is
   * missing gets them all.
   */
  results(queue: string, ids: readonly string[]): Promise<readonly (string | null)[]>;
  stats(queue: string): Promise<QueueStats>;
  /**
   * The oldest first (dead: the latest first). At most `limit`, and none after the one that passes BATCH_BYTES_LIMIT:
   * `stats` tells how many there are.
   */
  list(queue: string, request: ListRequest): Promise<readonly StoredJob[]>;
  /** Looks in every state; null when no job of that id is stored (it ended, or never was). */
  find(queue: string, id: string): Promise<StoredJob | null>;
  /** Pauses or resumes a queue, for every daemon. How it stands after the call: another version is another's doing. */
  setPaused(queue: string, request: PauseRequest): Promise<QueuePause>;
  /**
   * Makes a dead job ready again, or a delayed one due at once: failures, crashes and recoveries back to 0, claims one more,
   * and the kept result of its death gone: there is one again when it has ended again.
   * @throws BrokerError ERR_BROKER_FULL (refused) when the store has no room.
   */
  retry(queue: string, request: JobTarget): Promise<RetryReply>;
  /** Removes a job that waits or is dead; its unique key is free then. */
  delete(queue: string, request: DeleteRequest): Promise<DeleteReply>;
  /** Removes jobs of one state, the first in line first (dead: the oldest first), as `delete` does. */
  purge(queue: string, request: PurgeRequest): Promise<PurgeReply>;
  /** Ends connections and pending calls (`refused`). Harmless when repeated. */
  close(): Promise<void>;
}

/** What a daemon needs beside. The ids of daemons are per queue: losing one queue strands no other. */
export interface Broker extends BrokerClient {
  /** Resolves, with the reason, when the store failed for good: the daemon ends, for nothing can be repaired within it. */
  readonly failure?: Promise<ForkloopError>;
  /** Creates lease and session; only this can. `refused`: that id was taken from somebody; draw a new one. */
  open(queue: string, request: { daemon: string; leaseMs: number }): Promise<'opened' | 'refused'>;
  /** Settles a batch and claims the next, in one atomic step. */
  exchange(queue: string, request: ExchangeRequest): Promise<ExchangeReply>;
  heartbeat(queue: string, request: { daemon: string; leaseMs: number }): Promise<HeartbeatReply>;
  /** Only while no exchange of this daemon and queue is unanswered. */
  resync(queue: string, request: ResyncRequest): Promise<ResyncReply>;
  /** Ends an empty session: lease and session are gone. With jobs still in flight it leaves everything to the lease. */
  closeSession(queue: string, request: { daemon: string }): Promise<void>;
  /** Makes due jobs ready (a chunk per call; none while the queue is paused), clips leases that lie too far ahead, bounds what grows; tells the leases. */
  sweep(queue: string, request: { leaseMs: number }): Promise<SweepReply>;
  reclaim(queue: string, request: ReclaimRequest): Promise<ReclaimReply>;
  /** How far a schedule has come. One that is not known, or far ahead of the broker's clock, is set to now. */
  watermark(queue: string, request: { schedule: string }): Promise<WatermarkReply>;
  /**
   * Stores the job of a tick and moves the watermark there, in one atomic step, if the watermark is at `previous`. A job
   * whose unique key is held is not stored; the tick counts as fired. Every daemon may try.
   * @throws BrokerError ERR_BROKER_FULL (refused) when the store has no room.
   */
  fire(queue: string, request: FireRequest): Promise<FireReply>;
  /**
   * Resolves when one of the queues probably has something to claim, or at the abort of `signal`; with the queues that
   * were woken (none after an abort). An optimisation: a wake can be missed, the caller polls besides. Never rejects.
   * `onRead`: called where one queue is waited for, and the broker has blocking reads.
   */
  wait(queues: readonly string[], signal: AbortSignal, onRead?: OnRead): Promise<readonly string[]>;
}
