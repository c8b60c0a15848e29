import type { Clock, Timer } from '../lib/clock.ts';
import { toBeat } from '../lib/common-beat.ts';
import type { LookAtProcess } from './process-look.ts';
import type { WorkerHandle } from './worker-handle.ts';

const LOOKS = 5;

/**
 * Finds workers whose event loop answers nothing for `blockTimeout` (up to a fifth later). One ping at a time is under way,
 * so a blocked worker gathers none. Looks are counted, not clock time: after a stop of the whole machine or of this process
 * a worker has a full look's time to answer.
 */
export class LoopWatch {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #workers: Iterable<WorkerHandle>;
  #timer: Timer | null = null;

  readonly #processOf: LookAtProcess;

  constructor(
    clock: Clock,
    blockTimeoutMs: number,
    workers: Iterable<WorkerHandle>,
    processOf: LookAtProcess,
  ) {
    this.#processOf = processOf;
    this.#clock = clock;
    this.#intervalMs = Math.max(10, blockTimeoutMs / LOOKS);
    this.#workers = workers;
  }

  start(): void {
    this.#timer = this.#clock.setTimer(toBeat(this.#clock, this.#intervalMs), () => {
      for (const worker of this.#workers) this.#look(worker);
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(worker: WorkerHandle): void {
    if (!worker.wasReady || worker.state === 'exited') return;
    if (!owesAnswer(worker)) {
      worker.unanswered = 0;
      return;
    }
    if (worker.unanswered > LOOKS) {
      if (worker.running > 0 && this.#isStopped(worker)) return;
      void worker.killHung('blocked', () => worker.unanswered > LOOKS);
      return;
    }
    worker.unanswered += 1;
    if (worker.unanswered === 1) worker.ping();
  }

  /** By a signal or a debugger: what runs in it is safe there until it goes on. */
  #isStopped({ pid }: WorkerHandle): boolean {
    return pid !== null && this.#processOf(pid)?.stopped === true;
  }
}

/** A process worker that runs a job may be silent for as long as the job's limits let it. */
function owesAnswer(worker: WorkerHandle): boolean {
  return worker.boot.concurrency > 1 || worker.running === 0;
}
