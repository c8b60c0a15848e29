import type { Service } from '../lib/service.ts';
import type { TaskManifest } from '../task/define.ts';
import type { AbortReason, Outcome } from '../task/outcome.ts';
import type { PoolOptions } from './options.ts';

/** One attempt at one job, ready to run: everything a worker needs. */
export interface Delivery {
  /** Unique among everything in flight. */
  readonly token: string;
  readonly id: string;
  readonly task: string;
  readonly queue: string;
  /** failures + 1. */
  readonly attempt: number;
  /** Workers that died while this job was alone in them: with one or more, its next crash says nothing of the pool. */
  readonly crashes?: number;
  /** The claim count: a store that can refuse an older number keeps a stale run from acting. */
  readonly fence: number;
  /** The caller's JSON, undecoded: the worker decodes it. */
  readonly input: string;
  /** Soft limit: the abort signal. 0 = none. */
  readonly timeoutMs: number;
  /** Hard limit, so long after the soft one. */
  readonly killAfterMs: number;
  /** The largest result as JSON, bytes. */
  readonly maxResultBytes: number;
  /** A suspect: nothing else of this pool is in flight. An async pool runs it in a child process of its own. */
  readonly alone: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  /** Milliseconds the handler ran, by the master's clock; null when it never started. */
  readonly runMs: number | null;
}

export type PoolState = 'starting' | 'ok' | 'degraded' | 'crash_loop' | 'quiet' | 'stopped';
export type WorkerState = 'starting' | 'ready' | 'busy' | 'draining' | 'exited';

export interface WorkerStatus {
  readonly slot: number;
  /** The process that runs it; for a thread the master's own. Null while none runs. */
  readonly pid: number | null;
  readonly state: WorkerState;
  /** Which version of the pool's options and code it runs; null while none runs. */
  readonly generation: number | null;
  /** Starts after the first one of this slot. */
  readonly restarts: number;
  readonly running: number;
  /** How many have run in it to their end. */
  readonly jobs: number;
  /** Since it was started; null while none runs. */
  readonly ageMs: number | null;
  /** Its job stands still: no processor time is used, nothing answers. */
  readonly stalled: boolean;
  /** Why the last worker of this slot ended, if not as planned. */
  readonly lastExit: string | null;
}

export interface PoolStatus {
  readonly name: string;
  readonly kind: 'process' | 'async';
  readonly host: 'cluster' | 'thread' | 'process';
  readonly state: PoolState;
  readonly queues: readonly string[];
  /** Of its slots in order, then those that will take one over or have left theirs. */
  readonly workers: readonly WorkerStatus[];
  /** Of the workers that start now. */
  readonly generation: number;
  /** Jobs that are running now. */
  readonly busy: number;
  /** The most that can run at once. */
  readonly concurrency: number;
}

/** Where the code of a worker is. */
export interface WorkerStack {
  readonly slot: number;
  readonly pid: number | null;
  readonly state: WorkerState;
  readonly running: number;
  /** Whose code that is, where it can be told. */
  readonly delivery: Delivery | null;
  /** As that of an error; null when no JavaScript ran: it waits, is inside native code, or is stopped. */
  readonly stack: string | null;
}

/** What became of a worker that was to be replaced. */
export interface WorkerRenewal {
  readonly slot: number;
  /** Of the worker that has the slot now. */
  readonly pid: number | null;
  /** Why it was not replaced; null = it was. */
  readonly error: string | null;
}

export interface RollReport {
  /** `superseded`: a newer roll was asked for before this one began, and is done instead. */
  readonly outcome: 'rolled' | 'superseded';
  /** Of the workers that start from now on. */
  readonly generation: number;
  /** Workers that have taken a slot over. */
  readonly replaced: number;
}

/** A running job and how far it says it is. */
export interface Progress {
  readonly token: string;
  readonly done: number;
  readonly total: number | null;
}

/** A delivery that was given and has not ended. */
export interface RunningDelivery {
  readonly delivery: Delivery;
  /** Slot and process of its worker; null while it waits for one. */
  readonly worker: number | null;
  readonly pid: number | null;
  /** Since its handler was called, by the master's clock; null before. */
  readonly runMs: number | null;
  readonly progress: Omit<Progress, 'token'> | null;
}

/**
 * Runs deliveries, a bounded number at once. Each delivery given to `run` ends in exactly one `Ended`, whatever happens
 * to its worker. A pool knows nothing of brokers.
 */
export interface Pool extends Service {
  readonly name: string;
  readonly kind: 'process' | 'async';
  readonly queues: readonly string[];
  /** How many deliveries `run` may be given now. 0 while no worker is ready or the pool is quiet. */
  readonly free: number;
  /** Deliveries that were given and have not ended. */
  readonly inFlight: number;
  /** Whether it has this delivery still: to run, or its code after it was ended by force. */
  has(token: string): boolean;
  /** The tasks its workers have loaded, by name; empty until the first is ready. */
  readonly tasks: ReadonlyMap<string, TaskManifest>;
  /** At most `free` deliveries. Never throws: what cannot run ends as an Outcome. */
  run(batch: readonly Delivery[]): void;
  /**
   * Ends these attempts: their signal aborts with the reason; what has not ended `graceMs` later is ended by force. Each
   * ends as `interrupted` with this reason unless it ended by itself first. Unknown tokens are ignored.
   */
  abort(tokens: readonly string[], reason: Exclude<AbortReason, 'timeout'>, graceMs: number): void;
  /** Called with what ended, a batch per turn of the event loop. One listener. */
  onEnded(listener: (ended: readonly Ended[]) => void): void;
  /** Called when `free` may have risen. One listener. */
  onFree(listener: () => void): void;
  /**
   * Of a process pool: from now on so many workers, 1 at least. New ones start; of too many those that run nothing leave
   * first, the others when their job has ended.
   * @throws ForkloopError ERR_OPTION_INVALID: not a whole number from 1 to 1024, or an async pool
   */
  scale(workers: number): void;
  /**
   * Replaces all workers by such of these options, and of the code as it is on disk now: the new one first, one at a time.
   * `name`, `kind` and `queues` stay as they are. Resolves when the last old worker has gone. No job is lost or run twice;
   * what does not end within `drainTimeout` is interrupted (`drain`). Of several that wait only the last is done.
   *
   * Rejects with ForkloopError ERR_POOL_NOT_READY, the old workers at work, when new ones do not start or do not last (the
   * message carries the last words), with ERR_DRAINING when the pool stops meanwhile.
   */
  roll(next: PoolOptions): Promise<RollReport>;
  /**
   * Replaces the worker of a slot, the new one first. Resolves when the old one has ended its jobs and gone; when the new one
   * does not start, the old one stays. Rejects with ForkloopError ERR_OPTION_INVALID when there is no such slot.
   */
  renew(slot: number): Promise<WorkerRenewal>;
  /** Of all workers, in `ms` at most. Never rejects. */
  stacks(ms: number): Promise<readonly WorkerStack[]>;
  status(): PoolStatus;
  progress(): readonly Progress[];
  /** What it has: given and not ended. */
  deliveries(): readonly RunningDelivery[];
}
