import type { ResourceLimits } from 'node:worker_threads';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { BootGate } from './boot-gate.ts';
import type { WorkerHost } from './host/host.ts';
import type { KernelOom } from './kernel-oom.ts';
import type { LookAtProcess } from './process-look.ts';
import type { RecyclePolicy } from './recycle.ts';
import type { RestartPolicy } from './restart.ts';

/** Everything that may differ between two pools. Durations in milliseconds. */
export interface PoolOptions {
  readonly name: string;
  readonly kind: 'process' | 'async';
  /** Of an async pool: a thread of this process, or one forked child. */
  readonly host?: 'thread' | 'process';
  readonly queues: readonly string[];
  /** Absolute paths of the task modules. */
  readonly modules: readonly string[];
  /** Child processes of a process pool; an async pool has one worker. */
  readonly workers: number;
  /** Jobs at once in an async pool; 1 in each child of a process pool. */
  readonly concurrency: number;
  /** `start` fails when no worker becomes ready. */
  readonly required: boolean;
  /** Added to the few variables that workers see of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly execArgv?: readonly string[];
  /** Forked workers: the largest JavaScript heap. */
  readonly maxOldSpaceMb?: number;
  /** Threads: their limits. */
  readonly resourceLimits?: ResourceLimits;
  readonly generation?: number;
  readonly readyTimeout: number;
  /** Of an event loop that answers nothing: an async worker's, or an idle child's. */
  readonly blockTimeout: number;
  /** A process worker whose job stands still (no processor time, no answer) for so long is killed; left out = never. */
  readonly stallTimeout?: number;
  /** Between the abort and the end by force when `stop` reaches its deadline. */
  readonly coldGrace: number;
  readonly restart: RestartPolicy;
  /** When workers are replaced though they work; left out = never. */
  readonly recycle?: RecyclePolicy;
  /** Of a roll: how long its first new worker must live before it is trusted. 2 s when left out. */
  readonly canary?: number;
  /** Of a roll: how long what runs in an old worker may take to end. 60 s when left out. */
  readonly drainTimeout?: number;
}

/** What starts the workers of a pool with such options. */
export interface WorkerHosts {
  readonly host: WorkerHost;
  /** Of the worker that runs one suspect alone; null where each worker runs one job at a time anyway. */
  readonly aloneHost: WorkerHost | null;
}

export type HostsOf = (options: PoolOptions) => WorkerHosts;

/**
 * Calls back again and again with the resident bytes of those of `pids` that are known, until the returned function is
 * called. `pids` is asked each time.
 */
export type WatchMemory = (
  pids: () => readonly number[],
  onSample: (rss: ReadonlyMap<number, number>) => void,
) => () => void;

export interface PoolServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Shared by all pools of a daemon. */
  readonly bootGate: BootGate;
  readonly hostsOf: HostsOf;
  /** Of all pools of a daemon, asked in one call. */
  readonly watchMemory: WatchMemory;
  readonly kernelOom: KernelOom;
  readonly lookAtProcess: LookAtProcess;
}
