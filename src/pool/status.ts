import type { PoolState, PoolStatus, WorkerStatus } from './pool.ts';
import type { Slot } from './slot.ts';

interface PoolFacts extends Omit<PoolStatus, 'state' | 'workers' | 'busy'> {
  readonly slots: readonly Slot[];
  readonly crashLoop: boolean;
  readonly state: 'created' | 'running' | 'quiet' | 'stopping' | 'stopped';
}

export function statusOf({ slots, crashLoop, state, ...facts }: PoolFacts): PoolStatus {
  const workers = slots.map(workerStatus);
  const busy = workers.reduce((sum, { running }) => sum + running, 0);
  return { ...facts, state: stateOf(state, crashLoop, slots), workers, busy };
}

function workerStatus({ index, worker, starts, lastExit }: Slot): WorkerStatus {
  return {
    slot: index,
    pid: worker?.pid ?? null,
    state: worker?.state ?? 'exited',
    restarts: Math.max(0, starts - 1),
    running: worker?.running ?? 0,
    lastExit,
  };
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
