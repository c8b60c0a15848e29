import type { Timer } from '../lib/clock.ts';
import type { Heir } from './heir.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** A place for one worker of a pool. */
export interface Slot {
  readonly index: number;
  worker: WorkerHandle | null;
  /** Starts beside the worker and will take its place. */
  heir: Heir | null;
  starts: number;
  /** Why the last worker ended, if not as planned. */
  lastExit: string | null;
  /** Unstable exits in a row. */
  failures: number;
  /** The worker was ready for long enough, or has completed a job. */
  stable: boolean;
  /** Monotonic time before which it stays empty. */
  notBefore: number;
  /** Gives back the turn at the boot gate; null when it holds none. */
  leaveGate: (() => void) | null;
  stableTimer: Timer | null;
}

export function emptySlot(index: number): Slot {
  return {
    index,
    worker: null,
    heir: null,
    starts: 0,
    lastExit: null,
    failures: 0,
    stable: false,
    notBefore: 0,
    leaveGate: null,
    stableTimer: null,
  };
}

/** As many empty slots as are missing, with the lowest numbers that are free. */
export function missingSlots(slots: readonly Slot[], size: number): Slot[] {
  const taken = new Set(slots.map(({ index }) => index));
  const added: Slot[] = [];
  for (let index = 0; slots.length + added.length < size; index += 1) {
    if (!taken.has(index)) added.push(emptySlot(index));
  }
  return added;
}

/** Which slots to give up so that `size` are left: those whose end costs least, of equals the highest number. */
export function surplusSlots(slots: readonly Slot[], size: number): Slot[] {
  const byCost = [...slots].sort((a, b) => costOf(a) - costOf(b) || b.index - a.index);
  return byCost.slice(0, Math.max(0, slots.length - size));
}

function costOf({ worker }: Slot): number {
  if (worker === null || worker.state === 'draining' || worker.state === 'exited') return 0;
  if (worker.state === 'starting') return 1;
  return worker.inside.size === 0 ? 2 : 3;
}
