import type { PoolState, PoolStatus, WorkerStatus } from './pool.ts';
import type { Slot } from './slot.ts';
import type { WorkerHandle } from './worker-handle.ts';

interface PoolFacts extends Omit<PoolStatus, 'state' | 'workers' | 'busy'> {
  readonly slots: readonly Slot[];
  /** Workers that have no slot: not yet, or no more. */
  readonly others: readonly WorkerHandle[];
  readonly crashLoop: boolean;
  /** Monotonic. */
  readonly now: number;
  readonly state: 'created' | 'running' | 'quiet' | 'stopping' | 'stopped';
}

export function statusOf({ slots, others, crashLoop, now, state, ...facts }: PoolFacts): PoolStatus {
  const workers = [
    ...slots.map((slot) => slotStatus(slot, now)),
    ...others.map((worker) => workerStatus(worker, now, 0, null)),
  ];
  const busy = workers.reduce((sum, { running }) => sum + running, 0);
  return { ...facts, state: stateOf(state, crashLoop, slots), workers, busy };
}

function slotStatus({ index, worker, starts, lastExit }: Slot, now: number): WorkerStatus {
  const restarts = Math.max(0, starts - 1);
  if (worker !== null) return workerStatus(worker, now, restarts, lastExit);
  const nobody = { pid: null, state: 'exited', generation: null, running: 0, jobs: 0, ageMs: null } as const;
  return { slot: index, ...nobody, stalled: false, restarts, lastExit };
}

function workerStatus(
  worker: WorkerHandle,
  now: number,
  restarts: number,
  lastExit: string | null,
): WorkerStatus {
  const { pid, boot, held, running, jobs, stalled } = worker;
  const state = held ? 'starting' : worker.state;
  const { slot, generation } = boot;
  const ageMs = now - worker.bornAt;
  return { slot, pid, state, generation, restarts, running, jobs, ageMs, stalled, lastExit };
}

function stateOf(state: PoolFacts['state'], crashLoop: boolean, slots: readonly Slot[]): PoolState {
  if (state === 'stopped') return 'stopped';
  if (state === 'quiet' || state === 'stopping') return 'quiet';
  if (crashLoop) return 'crash_loop';
  const ready = slots.filter(({ worker }) => worker?.open).length;
  if (ready === slots.length) return 'ok';
  const first = slots.every(({ starts, lastExit }) => starts <= 1 && lastExit === null);
  return first && ready === 0 ? 'starting' : 'degraded';
}
