/** Leases: kept up, looked at, taken away. Durations `...Ms`; `...At` and `now` on the broker's clock. */

import type { EpochMs } from '../../lib/clock.ts';

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
