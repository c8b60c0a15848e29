/**
 * The broker contract: what a store of jobs must do, whatever it is made of. Implementations: `redis/`, `embedded/`,
 * `memory/`; one suite tests them all (test/contract/broker.ts).
 *
 * Every operation works on one queue and may be sent twice: the same call has the same effect once and the same answer.
 * A call ends within the call deadline: with an answer, or with a BrokerError that says what may have happened.
 * All `...Ms` are durations in milliseconds, all `...At` and `now` are EpochMs **on the broker's clock**.
 */

import type { EpochMs } from '../lib/clock.ts';
import { type ErrorCode, ForkloopError } from '../lib/errors.ts';

/** The most jobs that one exchange may claim, and the most settlements it may carry. */
export const BATCH_LIMIT = 256;

/**
 * Where a batch of jobs stops growing, in bytes of records: a claim stops after the job that passes it (and answers
 * `more`), a producer cuts its batches there. One job alone may be larger.
 */
export const BATCH_BYTES_LIMIT = 4 * 1024 * 1024;

/**
 * How a failed call ended. `refused`: not executed. `unknown`: may have been executed; send the same again.
 * `fatal`: not executed, and only a person can change that (wrong password, wrong type of key).
 */
export type Disposition = 'refused' | 'unknown' | 'fatal';

export class BrokerError extends ForkloopError {
  readonly disposition: Disposition;

  constructor(disposition: Disposition, message: string, options?: ErrorOptions & { code?: ErrorCode }) {
    super(options?.code ?? 'ERR_BROKER_UNAVAILABLE', message, options);
    this.name = 'BrokerError';
    this.disposition = disposition;
  }
}

// ---------------------------------------------------------------------------------------------------- producers

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
  /** For each id its stored result (JSON, see `ResultRecord`), or null: not there yet, not kept, or past its time. */
  results(queue: string, ids: readonly string[]): Promise<readonly (string | null)[]>;
  stats(queue: string): Promise<QueueStats>;
  /** The oldest first (dead: the latest first). At most `limit`. */
  list(queue: string, request: ListRequest): Promise<readonly StoredJob[]>;
  /** Looks in every state; null when no job of that id is stored (it ended, or never was). */
  find(queue: string, id: string): Promise<StoredJob | null>;
  /** Pauses or resumes a queue, for every daemon. How it stands after the call: another version is another's doing. */
  setPaused(queue: string, request: PauseRequest): Promise<QueuePause>;
  /**
   * Makes a dead job ready again, or a delayed one due at once: failures, crashes and recoveries back to 0, claims one more.
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

/** The stored result of an ended job, as JSON. */
export type ResultRecord =
  | { readonly status: 'completed'; readonly result: unknown }
  | { readonly status: 'dead' | 'cancelled' | 'expired'; readonly error: { name: string; message: string } };

// ------------------------------------------------------------------------------------------------------ daemons

/**
 * What the broker is told about one delivery. Accepted only while this daemon holds it (`token`), else refused and
 * counted. `error` and `result` are ASCII-safe JSON (`encodeError`) or any JSON (`result`).
 */
export type Settlement =
  /** Ended well. `result` is stored for `ttlMs` when given. */
  | { readonly type: 'ack'; readonly token: string; readonly result?: StoredResult }
  /** Goes to `delayed` (ready when 0) with `claims` from the token, the counter of `count` raised, `error` replaced. */
  | {
      readonly type: 'retry';
      readonly token: string;
      readonly delayMs: number;
      readonly count: 'failure' | 'crash' | 'recovery';
      readonly error: string;
    }
  /** Goes to `delayed`, counting nothing: a settled attempt, so recoveries go back to 0. */
  | { readonly type: 'snooze'; readonly token: string; readonly delayMs: number }
  /** Goes back to the head of its line at once, counting nothing. */
  | { readonly type: 'release'; readonly token: string }
  /** Goes to the dead set with `error`, frees its unique key; `count` as for retry. */
  | {
      readonly type: 'dead';
      readonly token: string;
      readonly count: 'failure' | 'crash' | 'recovery' | 'none';
      readonly error: string;
      readonly result?: StoredResult;
    };

export interface StoredResult {
  /** A ResultRecord as JSON. */
  readonly json: string;
  readonly ttlMs: number;
}

export interface ExchangeRequest {
  readonly daemon: string;
  /** Renewed by every exchange that is accepted. */
  readonly leaseMs: number;
  /** Two lanes, so that one batch runs while the next is fetched. */
  readonly lane: 0 | 1;
  /** Rises by one with each new exchange of its lane, from 1 after `open`. The same number again = a repeat. */
  readonly number: number;
  readonly settle: readonly Settlement[];
  /** How many jobs to claim, 0 to BATCH_LIMIT. */
  readonly want: number;
  /**
   * May a suspect be claimed (recoveries >= SUSPECT_RECOVERIES)? Only when nothing else of the pool is in flight. If one
   * is there it is claimed alone, with `alone: true`, before any other job.
   */
  readonly alone: boolean;
  /** How long the stored result of a job that is dropped here (expired, corrupt) is kept, if it asked for one. */
  readonly droppedResultTtlMs: number;
  /** Bounds of the dead set. */
  readonly keepDead: { readonly count: number; readonly ageMs: number };
}

/** From so many recoveries on a job waits in `suspects` and runs alone. */
export const SUSPECT_RECOVERIES = 2;

export interface ClaimedJob {
  /** `tokenOf(id, claims)` with the new claim counted. */
  readonly token: string;
  /** As stored: its header's `claims` does not count this delivery yet. */
  readonly record: string;
  readonly alone: boolean;
}

export interface ExchangeDone {
  readonly status: 'done';
  /** Claimed now; after a repeat, what of the first answer is still in flight here. */
  readonly jobs: readonly ClaimedJob[];
  /** Tokens of settlements other than plain acks that were not ours any more. */
  readonly refused: readonly string[];
  /** How many plain acks were not ours any more. */
  readonly refusedAcks: number;
  /** Jobs met while claiming that ended instead of being handed out. */
  readonly dropped: readonly { readonly id: string; readonly reason: 'expired' | 'corrupt' }[];
  /** Ready jobs are left that may be claimed: none while the queue is paused. */
  readonly more: boolean;
  /**
   * Suspects wait. The consumer lets its pool run empty and then claims with `alone`, so that they get their turn. False
   * while the queue is paused.
   */
  readonly suspects: boolean;
  /** How long until the next delayed job is due; null when none is delayed, or the queue is paused. */
  readonly nextDueMs: number | null;
  readonly now: EpochMs;
}

/**
 * Sends an exchange that stands behind a blocking read: the broker executes it when the read ends, by a wake, at its abort
 * or after some seconds, so that what a wake announces is claimed without another round trip. Once a read.
 * @throws BrokerError as `exchange`, which can repeat it.
 */
export type ExchangeBehind = (request: ExchangeRequest) => Promise<ExchangeReply>;

/** Told of each blocking read on one queue that begins, and with null at its end. */
export type OnRead = (behind: ExchangeBehind | null) => void;

/**
 * `stale`: a number below the lane's last; no effect. `gap`: a number above last + 1: the broker lost recent writes;
 * no effect, resync. `lost`: the lease is not this daemon's; no effect, all it holds on this queue is lost.
 */
export type ExchangeReply =
  | ExchangeDone
  | { readonly status: 'stale' }
  | { readonly status: 'gap'; readonly last: number }
  | { readonly status: 'lost' };

export type HeartbeatReply =
  | { readonly status: 'renewed'; readonly inFlight: number; readonly now: EpochMs }
  | { readonly status: 'lost' };

export interface ResyncRequest {
  readonly daemon: string;
  readonly leaseMs: number;
  /** The daemon's own last numbers of lane 0 and lane 1: the broker's are raised to them, stored answers voided. */
  readonly numbers: readonly [number, number];
}

export type ResyncReply =
  | { readonly status: 'synced'; readonly tokens: readonly string[]; readonly now: EpochMs }
  | { readonly status: 'lost' };

export interface LeaseView {
  readonly daemon: string;
  readonly deadlineAt: EpochMs;
}

export interface SweepReply {
  readonly now: EpochMs;
  /** Every lease on this queue, taken ones (being reclaimed) with deadlineAt -1. */
  readonly leases: readonly LeaseView[];
}

export interface ReclaimRequest {
  readonly daemon: string;
  /** As last observed by `sweep`; a lease that moved since is left alone. */
  readonly deadlineAt: EpochMs;
  /** True: the daemon was proven dead (its process and its children are gone), so the deadline need not be past. */
  readonly proven: boolean;
}

/** `moved`: jobs that went back to the head so far, with recoveries + 1; a suspect with crashes + 1, for it
 * ran alone. `more`: call again for the rest. */
export type ReclaimReply =
  | { readonly status: 'reclaimed'; readonly moved: number; readonly more: boolean }
  | { readonly status: 'alive' };

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
