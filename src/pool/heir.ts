import type { Clock, Timer } from '../lib/clock.ts';
import type { BootGate } from './boot-gate.ts';
import type { ExitCause } from './exit-cause.ts';
import type { WorkerHandle } from './worker-handle.ts';

export type Succession =
  /** It has the slot; `old` leaves, null where the slot was empty by then. */
  | { readonly type: 'taken'; readonly old: WorkerHandle | null }
  /** It ended before it could take over; nothing else has changed. */
  | { readonly type: 'failed'; readonly cause: ExitCause; readonly lastWords: string }
  /** The slot is no more, or the pool stops. */
  | { readonly type: 'cancelled' };

export interface HeirOptions {
  readonly clock: Clock;
  readonly bootGate: BootGate;
  /** How long it must live once it is ready before it takes over; it is given nothing in this time. */
  readonly probationMs: number;
  readonly spawn: () => WorkerHandle;
  readonly takeOver: () => void;
}

/** A worker that starts beside the one of a slot and takes its place when it is ready: start before stop. */
export class Heir {
  readonly end: Promise<Succession>;
  worker: WorkerHandle | null = null;
  readonly #options: HeirOptions;
  #settle: (end: Succession) => void = () => {};
  #leaveGate: (() => void) | null = null;
  #timer: Timer | null = null;

  constructor(options: HeirOptions) {
    this.#options = options;
    this.end = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  start(): void {
    const { bootGate, spawn } = this.#options;
    this.#leaveGate = bootGate.enter(() => {
      this.worker = spawn();
      this.worker.held = true;
    });
  }

  ready(): void {
    this.#leave();
    const { clock, probationMs, takeOver } = this.#options;
    if (probationMs > 0) this.#timer = clock.setTimer(probationMs, takeOver);
    else takeOver();
  }

  taken(old: WorkerHandle | null): void {
    if (this.worker !== null) this.worker.held = false;
    this.#settle({ type: 'taken', old });
  }

  failed(cause: ExitCause, lastWords: string): void {
    this.#leave();
    this.#settle({ type: 'failed', cause, lastWords });
  }

  /** Its worker, if there is one, is the caller's to end. */
  cancel(): void {
    this.#leave();
    this.#settle({ type: 'cancelled' });
  }

  #leave(): void {
    this.#leaveGate?.();
    this.#leaveGate = null;
    this.#timer?.cancel();
    this.#timer = null;
  }
}
