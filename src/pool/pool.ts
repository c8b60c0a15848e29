import type { Service } from '../lib/service.ts';
import type { TaskManifest } from '../task/define.ts';
import type { AbortReason, Outcome } from '../task/outcome.ts';

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
  /** Starts after the first one of this slot. */
  readonly restarts: number;
  readonly running: number;
  /** Why the last worker of this slot ended, if not as planned. */
  readonly lastExit: string | null;
}

export interface PoolStatus {
  readonly name: string;
  readonly kind: 'process' | 'async';
  readonly host: 'cluster' | 'thread' | 'process';
  readonly state: PoolState;
  readonly queues: readonly string[];
  readonly workers: readonly WorkerStatus[];
  /** Jobs that are running now. */
  readonly busy: number;
  /** The most that can run at once. */
  readonly concurrency: number;
}

/** A running job and how far it says it is. */
export interface Progress {
  readonly token: string;
  readonly done: number;
  readonly total: number | null;
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
  status(): PoolStatus;
  progress(): readonly Progress[];
}
