/**
 * What is asked and told of workers.
 * Durations in seconds where the key says so, sizes in bytes, times as ISO 8601 texts, ready to be printed as JSON.
 */

import type { WorkerState } from '../../pool/pool.ts';

export interface WorkerReport {
  readonly slot: number;
  readonly pid: number | null;
  readonly state: WorkerState;
  /** It runs a job that uses no processor time and does not answer. */
  readonly stalled: boolean;
  /** Null while it is not known; for a thread that of the whole daemon. */
  readonly rss_bytes: number | null;
  readonly restarts: number;
  /** Of the pool's options and code; rises with each roll. Null while none runs. */
  readonly generation: number | null;
}

export interface WorkersRequest {
  /** POOL, or POOL/SLOT; none = all. */
  readonly workers: readonly string[];
}

export interface WorkersReport {
  readonly schema: 'forkloop.workers/1';
  readonly workers: readonly WorkerDetailReport[];
}

export interface WorkerDetailReport extends WorkerReport {
  /** POOL/SLOT. Two workers have the same while one replaces the other. */
  readonly id: string;
  readonly pool: string;
  readonly kind: 'process' | 'async';
  readonly host: 'cluster' | 'thread' | 'process';
  /** Null while none runs. */
  readonly age_seconds: number | null;
  /** Jobs that it has run to their end. */
  readonly jobs_done: number;
  readonly jobs_running: number;
  /** Of these the one that has run longest. */
  readonly longest: {
    readonly job_id: string;
    readonly task: string;
    readonly attempt: number;
    readonly running_seconds: number;
  } | null;
  /** Of one core, since the last look; for a thread that of the whole daemon. */
  readonly cpu_percent: number | null;
}

export interface StacksReport {
  readonly schema: 'forkloop.stacks/1';
  readonly stacks: readonly WorkerStackReport[];
}

export interface WorkerStackReport {
  readonly id: string;
  readonly pool: string;
  readonly slot: number;
  readonly pid: number | null;
  readonly state: WorkerState;
  readonly jobs_running: number;
  /** The job whose code it is, where that can be told. */
  readonly job_id: string | null;
  readonly task: string | null;
  /** Lines as in the stack of an error; null when no JavaScript ran. */
  readonly stack: string | null;
}

export interface WorkerRestartRequest extends WorkersRequest {
  /** Every worker; `workers` is empty then. */
  readonly all: boolean;
}

export interface WorkerRestartReport {
  readonly schema: 'forkloop.worker-restart/1';
  readonly workers: readonly RestartedWorkerReport[];
}

export interface RestartedWorkerReport {
  readonly id: string;
  readonly restarted: boolean;
  readonly pid_before: number | null;
  readonly pid: number | null;
  /** Why it was not replaced. */
  readonly error: string | null;
}
