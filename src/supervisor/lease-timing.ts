/** What follows from a lease and its heartbeat, in milliseconds (docs/reliability.md tells why). */

import { LEASE_RESERVE_MS } from '../config/schema/broker.ts';

/** The call deadline C: every call to the broker ends by then; a renewal that takes longer does not count. */
export const CALL_DEADLINE_MS = 2_000;
/** G, in heartbeats. */
const GRACE_HEARTBEATS = 1.6;

export interface LeaseTiming {
  /** T: so long after the last confirmed renewal nothing new is started. */
  readonly fenceAfterMs: number;
  /** G: between the two looks of a sweeper that takes a lease. */
  readonly graceMs: number;
  /** A slower answer tells a sweeper nothing. */
  readonly promptMs: number;
  /** The longest time between two looks that belong together. */
  readonly gapMs: number;
}

export const leaseTiming = (leaseMs: number, heartbeatMs: number): LeaseTiming => ({
  fenceAfterMs: leaseMs - LEASE_RESERVE_MS,
  graceMs: GRACE_HEARTBEATS * heartbeatMs,
  promptMs: CALL_DEADLINE_MS / 2,
  gapMs: 2 * GRACE_HEARTBEATS * heartbeatMs,
});
