import type { Clock } from '../lib/clock.ts';
import type { TaskManifest } from '../task/define.ts';
import type { WorkerHandle } from './worker-handle.ts';

/**
 * Every worker of a pool that has not exited: those of its slots, those that were replaced and end by and by, and those that
 * run one suspect alone.
 */
export class Roster {
  readonly #clock: Clock;
  readonly #workers = new Set<WorkerHandle>();
  #onEmpty: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  [Symbol.iterator](): IterableIterator<WorkerHandle> {
    return this.#workers.values();
  }

  add(worker: WorkerHandle): void {
    this.#workers.add(worker);
  }

  delete(worker: WorkerHandle): void {
    this.#workers.delete(worker);
    if (this.#workers.size === 0) this.#onEmpty();
  }

  /** Those that share the pool's deliveries. */
  shared(): WorkerHandle[] {
    return [...this.#workers].filter(({ forOne }) => !forOne);
  }

  /**
   * The tasks that any of those that take deliveries can run: while two generations work, those that both know. Null when
   * none takes any.
   */
  tasks(): ReadonlyMap<string, TaskManifest> | null {
    const open = this.shared().filter((worker) => worker.open);
    const newest = open.sort((a, b) => b.boot.generation - a.boot.generation)[0];
    if (newest === undefined) return null;
    return new Map([...newest.tasks].filter(([name]) => open.every(({ tasks }) => tasks.has(name))));
  }

  /**
   * Ends all: a drain until the deadline, an abort and a grace, SIGKILL. Resolves when none is left. A job that is cut short
   * ends when its worker is gone, so that it never runs on beside its next run.
   */
  async end(deadline: AbortSignal, coldGraceMs: number): Promise<void> {
    for (const worker of this.#workers) {
      if (worker.inside.size === 0 && worker.zombies.size > 0) worker.kill('recycle');
      else worker.drain();
    }
    await this.#gone(deadline);
    for (const worker of this.#workers) worker.abortAll('drain');
    const cold = new AbortController();
    const timer = this.#clock.setTimer(coldGraceMs, () => cold.abort());
    await this.#gone(cold.signal);
    timer.cancel();
    for (const worker of this.#workers) worker.kill('cold_stop');
    await this.#gone(null);
  }

  /** Resolves when no worker is left, or at the signal. */
  #gone(signal: AbortSignal | null): Promise<void> {
    if (this.#workers.size === 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        signal?.removeEventListener('abort', end);
        resolve();
      };
      this.#onEmpty = end;
      signal?.addEventListener('abort', end);
    });
  }
}
