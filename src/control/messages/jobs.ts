/**
 * What is asked and told of jobs.
 * Durations in seconds where the key says so, sizes in bytes, times as ISO 8601 texts, ready to be printed as JSON.
 */

import type { JobState } from '../../broker/messages/operator.ts';
import type { EpochMs } from '../../lib/clock.ts';
import type { ErrorRecord, ToldError } from '../../lib/errors.ts';

/** The longest `where`, characters. */
export const WHERE_LIMIT = 10_000;

/** The most jobs that one `jobs` command answers. */
export const JOBS_LIMIT = 10_000;

export interface JobsRequest {
  /** Left out: every state. */
  readonly state?: JobState | undefined;
  /** Left out: every queue. */
  readonly queue?: string | undefined;
  /** As `parseJobFilter` takes it. All that is given must hold. */
  readonly where?: string | undefined;
  /** 1 to JOBS_LIMIT. */
  readonly limit: number;
}

export interface JobsReport {
  readonly schema: 'forkloop.jobs/1';
  readonly jobs: readonly StoredJobReport[];
  /** More jobs match than were asked for. */
  readonly more: boolean;
  /** How many jobs were looked at, of how many that the queues and states hold: others may match too when it is fewer. */
  readonly scanned: number;
  readonly stored: number;
}

export interface JobRequest {
  readonly id: string;
  /** Whether the report carries the input. */
  readonly input: boolean;
}

/** `queue` and `claims` as a report told them: then nothing is done to a job that has run or was retried since. */
export interface JobOperation {
  readonly id: string;
  readonly queue?: string | undefined;
  readonly claims?: number | undefined;
}

export interface JobRetryReport {
  readonly schema: 'forkloop.job-retry/1';
  readonly id: string;
  readonly queue: string;
}

export interface JobDeleteReport {
  readonly schema: 'forkloop.job-delete/1';
  readonly id: string;
  readonly queue: string;
}

export type JobReport = StoredJobReport | EndedJobReport;

/** A job that waits, runs or is dead. */
export interface StoredJobReport {
  readonly schema: 'forkloop.job/1';
  readonly id: string;
  readonly task: string;
  /** Whether the pool of its queue has the task: without, the job waits. Null: no worker is ready that could tell. */
  readonly task_loaded: boolean | null;
  readonly queue: string;
  readonly state: JobState;
  /** Deliveries so far, as stored: the one that runs is not counted yet. */
  readonly claims: number;
  /** The attempt that runs or comes next; of a dead job the last one. */
  readonly attempt: number;
  readonly failures: number;
  readonly crashes: number;
  readonly recoveries: number;
  readonly priority: number;
  /** From its id; null when the id carries no time. */
  readonly created_at: string | null;
  /** delayed only. */
  readonly due_at: string | null;
  /** dead only. */
  readonly died_at: string | null;
  readonly expires_at: string | null;
  readonly unique: string | null;
  /** The last attempt's. */
  readonly error: ErrorRecord | null;
  /** What the running attempt said last. */
  readonly progress: { readonly done: number; readonly total: number | null } | null;
  /** Present when it was asked for: JSON, or the text as it is when it is none. */
  readonly input?: unknown;
}

/** A job that is gone; only its kept result tells of it. */
export interface EndedJobReport {
  readonly schema: 'forkloop.job/1';
  readonly id: string;
  readonly queue: string;
  readonly state: 'completed' | 'dead' | 'cancelled' | 'expired';
  readonly created_at: string | null;
  /** completed only. */
  readonly result?: unknown;
  readonly error?: ToldError;
}

/** Creation time of a UUIDv7; null for an id of another version. */
export function idTime(id: string): EpochMs | null {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : null;
}
