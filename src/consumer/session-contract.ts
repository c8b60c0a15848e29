/** What a queue session is given, tells and answers. */

import type { Broker } from '../broker/broker.ts';
import type { ClaimedJob, ExchangeDone, ExchangeRequest } from '../broker/messages/exchange.ts';
import type { Clock } from '../lib/clock.ts';
import type { NewId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';

export interface QueueSessionOptions {
  readonly queue: string;
  readonly broker: Broker;
  readonly leaseMs: number;
  /** T of the protocol: so long after the last confirmed renewal nothing new is started. */
  readonly fenceAfterMs: number;
  /** Asked for each exchange: a reload may change them. */
  readonly bounds: () => Pick<ExchangeRequest, 'droppedResultTtlMs' | 'keepDead'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: NewId;
  readonly log: Logger;
  readonly listener: QueueSessionListener;
}

export interface QueueSessionListener {
  /** `open`: exchanges may be sent. */
  opened(): void;
  /** Not renewed for too long: stop what runs; what ends is still settled. */
  fenced(): void;
  /** Renewed again after a fence. */
  renewed(): void;
  /** A lane must be answered soon: end the wait that its exchange stands behind. */
  hurried(): void;
  /** Lanes that rested for an audit or a resync may be used again. */
  rested(): void;
  /** The lease was taken: everything this daemon held on the queue is somebody else's. */
  lost(tokens: readonly string[]): void;
  /** In flight by the broker's account but unknown here: release them. */
  stray(tokens: readonly string[]): void;
  /** Tracked here but not in flight by the broker's account: stop them, discard their outcomes. */
  vanished(tokens: readonly string[]): void;
}

/** What an exchange brought, or that the session it belonged to is over. */
export type Exchanged =
  | {
      readonly type: 'done';
      readonly reply: ExchangeDone;
      /** Jobs that were not delivered before. */
      readonly jobs: readonly ClaimedJob[];
      /** False: the answer is too old, or the lease is in doubt: release the jobs instead of starting them. */
      readonly startable: boolean;
    }
  | { readonly type: 'over' };
