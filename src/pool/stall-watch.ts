import type { Clock, Timer } from '../lib/clock.ts';
import { toBeat } from '../lib/common-beat.ts';
import type { LookAtProcess } from './process-look.ts';
import type { WorkerHandle } from './worker-handle.ts';

export interface StallWatchOptions {
  readonly clock: Clock;
  readonly workers: Iterable<WorkerHandle>;
  readonly look: LookAtProcess;
  /** After so long a worker is killed; null = never. */
  readonly killAfterMs: number | null;
  /** It has stood still for so long. Told once. */
  readonly stalled: (worker: WorkerHandle, ms: number) => void;
}

/** A worker that has stood still for so long is stalled. */
const STALLED_MS = 60_000;
const LOOKS = 5;
/** Its guard alone uses about so much between two looks. */
const IDLE_TICKS = 1;

interface Watched {
  readonly jobs: number;
  readonly cpuTicks: number;
  readonly pongs: number;
  /** Looks in a row that have found nothing to have changed. */
  looks: number;
}

/**
 * Finds process workers whose job stands still: no processor time is used, and the event loop does not answer. A job that
 * computes uses time, one that waits for I/O leaves the loop free; what is left hangs, on a lock or in a native call. As in
 * LoopWatch looks are counted, not clock time. Where the kernel cannot be asked nothing is found.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #intervalMs: number;
  readonly #watched = new WeakMap<WorkerHandle, Watched>();
  /** How many pings it had answered when the last one was sent. */
  readonly #asked = new WeakMap<WorkerHandle, number>();
  #timer: Timer | null = null;

  constructor(options: StallWatchOptions) {
    this.#options = options;
    const { killAfterMs } = options;
    this.#intervalMs = Math.max(10, Math.min(STALLED_MS, killAfterMs ?? STALLED_MS) / LOOKS);
  }

  start(): void {
    const { clock } = this.#options;
    this.#timer = clock.setTimer(toBeat(clock, this.#intervalMs), () => {
      for (const worker of this.#options.workers) this.#look(worker);
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(worker: WorkerHandle): void {
    const { pid, jobs, pongs } = worker;
    const runs = worker.boot.concurrency === 1 && worker.running > 0 && worker.state !== 'exited';
    const look = runs && pid !== null ? this.#options.look(pid) : null;
    if (look === null) {
      this.#moves(worker);
      return;
    }
    const before = this.#watched.get(worker);
    const still =
      before !== undefined &&
      before.jobs === jobs &&
      before.pongs === pongs &&
      look.cpuTicks - before.cpuTicks <= IDLE_TICKS;
    if (!still) {
      this.#moves(worker);
      this.#watched.set(worker, { jobs, pongs, cpuTicks: look.cpuTicks, looks: 0 });
      this.#ping(worker);
      return;
    }
    before.looks += 1;
    this.#watched.set(worker, { ...before, cpuTicks: look.cpuTicks });
    this.#judge(worker, before.looks, look.stopped);
  }

  /** One at a time is under way: a worker that never yields gathers none. */
  #ping(worker: WorkerHandle): void {
    const asked = this.#asked.get(worker);
    if (asked !== undefined && worker.pongs <= asked) return;
    this.#asked.set(worker, worker.pongs);
    worker.ping();
  }

  #judge(worker: WorkerHandle, looks: number, stopped: boolean): void {
    const { killAfterMs, stalled } = this.#options;
    const ms = looks * this.#intervalMs;
    if (ms >= Math.min(STALLED_MS, killAfterMs ?? STALLED_MS) && !worker.stalled) {
      worker.stalled = true;
      stalled(worker, ms);
    }
    // Whoever has stopped it may continue it: until then its jobs are safe in it.
    if (killAfterMs !== null && ms >= killAfterMs && !stopped) {
      void worker.killHung('stalled', () => worker.stalled);
    }
  }

  #moves(worker: WorkerHandle): void {
    worker.stalled = false;
    this.#watched.delete(worker);
  }
}
