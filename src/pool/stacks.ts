import type { StackSample } from './host/stack.ts';
import type { WorkerStack } from './pool.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** Asks them all at once: together they take no longer than one. Never rejects. */
export function stacksOf(workers: readonly WorkerHandle[], ms: number): Promise<WorkerStack[]> {
  return Promise.all(workers.map(async (worker) => stackOf(worker, await worker.stack(ms))));
}

function stackOf(worker: WorkerHandle, sample: StackSample | null): WorkerStack {
  const { boot, pid, state, running } = worker;
  const started = [...worker.inside.values()].filter((flight) => flight.started);
  const named = started.find(({ token }) => token === sample?.token);
  const only = started.length === 1 && boot.concurrency === 1 ? started[0] : undefined;
  const delivery = (named ?? only)?.delivery ?? null;
  return { slot: boot.slot, pid, state, running, delivery, stack: sample?.stack ?? null };
}
