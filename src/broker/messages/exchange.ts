/** What a daemon settles and claims, and what it is answered. Durations `...Ms`; `...At` and `now` on the broker's clock. */

import type { EpochMs } from '../../lib/clock.ts';
import type { ToldError } from '../../lib/errors.ts';

/**
 * What the broker is told about one delivery. Accepted only while this daemon holds it (`token`), else refused and
 * counted. `error` and `result` are ASCII-safe JSON (`encodeError`) or any JSON (`result`).
 */
export type Settlement =
  /** Ended well. `result` is stored for `ttlMs` when given. */
  | { readonly type: 'ack'; readonly token: string; readonly result?: StoredResult }
  /**
   * Goes to `delayed` (ready when 0) with `claims` from the token, the counter of `count` raised, `error` replaced. `none`:
   * a suspect stays one.
   */
  | {
      readonly type: 'retry';
      readonly token: string;
      readonly delayMs: number;
      readonly count: 'failure' | 'crash' | 'recovery' | 'none';
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

/** The stored result of an ended job, as JSON. */
export type ResultRecord =
  | { readonly status: 'completed'; readonly result: unknown }
  | { readonly status: 'dead' | 'cancelled' | 'expired'; readonly error: ToldError };

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
