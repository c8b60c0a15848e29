import type { JobInput } from '../programs/job-input.ts';
import type { RedisSite } from '../site/redis-server.ts';
import type { Workspace } from '../site/workspace.ts';

/**
 * What takes part in a comparison: a job queue as its own users run it, the workers in a process of their own, this process
 * enqueues.
 */
export interface Contender {
  /** The same in tables, plots and raw figures. */
  readonly name: string;
  /** Resolves when its workers can take a job; nothing has been enqueued. */
  open(site: Site): Promise<System>;
}

/** Where it runs. The database is empty. */
export interface Site {
  readonly workspace: Workspace;
  /** Null: it brings its own store. */
  readonly redis: RedisSite | null;
  /** Where handlers leave what they count. */
  readonly probe: string;
}

export interface System {
  enqueue(input: JobInput, queue?: string): Promise<void>;
  /** In the way that it offers for many jobs. */
  enqueueMany(inputs: readonly JobInput[], queue?: string): Promise<void>;
  /** So that a job waits so long before it may run. */
  enqueueDelayed(inputs: readonly JobInput[], delayMs: number): Promise<void>;
  /** Workers take nothing until `release`: to build up a backlog. */
  hold(): Promise<void>;
  release(): Promise<void>;
  /** Those that run jobs, their master first. The enqueuing one, this, is not among them. */
  pids(): readonly number[];
  close(): Promise<void>;
}

/** One kind of workers and the queues they serve. */
export interface PoolLayout {
  readonly kind: 'process' | 'async';
  /** Jobs at once: processes, or slots of one event loop. */
  readonly size: number;
  readonly queues: readonly string[];
}

export interface ContenderOptions {
  readonly name: string;
  readonly pools: readonly PoolLayout[];
  /** Results are stored for ten minutes; else nothing is left of a completed job. */
  readonly keepResults?: boolean;
}

/** The queue of a suite that needs only one. */
export const QUEUE = 'jobs';
