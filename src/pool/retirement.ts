import type { Clock, Timer } from '../lib/clock.ts';
import type { WorkerHandle } from './worker-handle.ts';

export interface RetirementLimits {
  /** For what runs in it to end by itself. */
  readonly drainTimeoutMs: number;
  /** Then its jobs are aborted; after this the worker is killed. */
  readonly coldGraceMs: number;
}

interface Leaver {
  timer: Timer | null;
  waiting: (() => void)[];
}

/** Workers that leave their slots while the pool goes on: they finish what runs in them and hand back the rest. */
export class Retirement {
  readonly #clock: Clock;
  readonly #leavers = new Map<WorkerHandle, Leaver>();
  #limits: RetirementLimits | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  retire(worker: WorkerHandle): void {
    if (worker.state === 'exited') return;
    // What runs on in it was told to end long ago, and will not.
    const hopeless = worker.inside.size === 0 && worker.zombies.size > 0;
    const isNew = !this.#leavers.has(worker);
    if (isNew) this.#leavers.set(worker, { timer: null, waiting: [] });
    if (hopeless) worker.kill('recycle');
    else worker.drain();
    if (!isNew) return;
    if (this.#limits !== null) this.#limit(worker, this.#limits);
  }

  /** From now on whoever leaves, or is leaving, has only so long; null = as long as its jobs may run. */
  limit(limits: RetirementLimits | null): void {
    this.#limits = limits;
    if (limits === null) return;
    for (const [worker, { timer }] of this.#leavers) if (timer === null) this.#limit(worker, limits);
  }

  /** Resolves when it has exited; at once for one that does not leave. */
  gone(worker: WorkerHandle): Promise<void> {
    const leaver = this.#leavers.get(worker);
    if (leaver === undefined) return Promise.resolve();
    return new Promise((resolve) => leaver.waiting.push(resolve));
  }

  exited(worker: WorkerHandle): void {
    const leaver = this.#leavers.get(worker);
    if (leaver === undefined) return;
    this.#leavers.delete(worker);
    leaver.timer?.cancel();
    for (const resolve of leaver.waiting) resolve();
  }

  #limit(worker: WorkerHandle, { drainTimeoutMs, coldGraceMs }: RetirementLimits): void {
    this.#arm(worker, drainTimeoutMs, () => {
      worker.abortAll('drain');
      this.#arm(worker, coldGraceMs, () => worker.kill('drain_timeout'));
    });
  }

  #arm(worker: WorkerHandle, ms: number, act: () => void): void {
    const leaver = this.#leavers.get(worker);
    if (leaver !== undefined) leaver.timer = this.#clock.setTimer(ms, act);
  }
}
