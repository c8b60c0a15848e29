import type { PoolState, PoolStatus, WorkerStatus } from './pool.ts';
import type { Slot } from './slot.ts';
import type { WorkerHandle } from './worker-handle.ts';

interface PoolFacts extends Omit<PoolStatus, 'state' | 'workers' | 'busy'> {
  readonly slots: readonly Slot[];
  /** Workers that have no slot: not yet, or no more. */
  readonly others: readonly WorkerHandle[];
  readonly crashLoop: boolean;
  readonly state: 'created' | 'running' | 'quiet' | 'stopping' | 'stopped';
}

export function statusOf({ slots, others, crashLoop, state, ...facts }: PoolFacts): PoolStatus {
  const workers = [...slots.map(slotStatus), ...others.map((worker) => workerStatus(worker, 0, null))];
  const busy = workers.reduce((sum, { running }) => sum + running, 0);
  return { ...facts, state: stateOf(state, crashLoop, slots), workers, busy };
}

function slotStatus({ index, worker, starts, lastExit }: Slot): WorkerStatus {
  const restarts = Math.max(0, starts - 1);
  if (worker !== null) return workerStatus(worker, restarts, lastExit);
  return { slot: index, pid: null, state: 'exited', generation: null, restarts, running: 0, lastExit };
}

function workerStatus(worker: WorkerHandle, restarts: number, lastExit: string | null): WorkerStatus {
  const { pid, boot, held, running } = worker;
  const state = held ? 'starting' : worker.state;
  return { slot: boot.slot, pid, state, generation: boot.generation, restarts, running, lastExit };
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
