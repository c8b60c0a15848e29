/**
 * What is asked and told of the daemon as a whole and of its pools.
 * Durations in seconds where the key says so, sizes in bytes, times as ISO 8601 texts, ready to be printed as JSON.
 */

import type { PoolState } from '../../pool/pool.ts';
import type { StoredJobReport } from './jobs.ts';
import type { WorkerReport, WorkerStackReport } from './workers.ts';

/** `quiet`: it was told to claim nothing for now. */
export type DaemonState = 'starting' | 'running' | 'quiet' | 'draining' | 'stopping';

export interface StatusReport {
  readonly schema: 'forkloop.status/1';
  /** `name` of the configuration. */
  readonly name: string;
  readonly pid: number;
  readonly version: string;
  readonly state: DaemonState;
  readonly started_at: string;
  readonly uptime_seconds: number;
  /** `up`: it answers, and confirms the leases in time. `location`: what the daemon was told, without credentials. */
  readonly broker: { readonly type: string; readonly up: boolean; readonly location: string };
  readonly pools: readonly PoolReport[];
  readonly queues: readonly QueueReport[];
  /** `file`: null where it goes to stderr. `dropped`: records that were not written. */
  readonly log: { readonly file: string | null; readonly dropped: number };
  /**
   * Who started it, and so has to start it again. `words`, `cwd`: the command line that does so, and where; only of a daemon
   * that was started detached.
   */
  readonly launch: {
    readonly by: 'detach' | 'systemd' | 'terminal' | 'other';
    readonly words: readonly string[];
    readonly cwd: string;
  };
  /** `last_reload`: how the last one ended; null when there was none. */
  readonly config: {
    readonly path: string;
    readonly generation: number;
    readonly last_reload: ReloadReport | null;
  };
}

export interface PoolReport {
  readonly name: string;
  readonly kind: 'process' | 'async';
  readonly host: 'cluster' | 'thread' | 'process';
  readonly state: PoolState;
  /** Of its slots in order, then those that will take one over or have left theirs. */
  readonly workers: readonly WorkerReport[];
  /** Jobs that are running. */
  readonly busy: number;
  /** The most that can run at once. */
  readonly concurrency: number;
  readonly queues: readonly string[];
}

/** As last told by the broker; null where it has told nothing yet. */
export interface QueueReport {
  readonly name: string;
  readonly pool: string;
  readonly ready: number | null;
  readonly delayed: number | null;
  readonly in_flight: number | null;
  readonly dead: number | null;
  /** How long the oldest ready job has existed; null when none is ready. */
  readonly oldest_ready_seconds: number | null;
  readonly paused: boolean | null;
  /** Null while it is not paused. */
  readonly paused_since: string | null;
}

export interface StopReport {
  readonly schema: 'forkloop.stop/1';
  readonly pid: number;
  /** How long the daemon may take at most, by its configuration. */
  readonly deadline_seconds: number;
}

export interface QuietReport {
  readonly schema: 'forkloop.quiet/1';
  readonly pid: number;
  readonly state: DaemonState;
  /** Jobs that run on. */
  readonly running: number;
}

export interface LogsReopenReport {
  readonly schema: 'forkloop.logs-reopen/1';
  readonly pid: number;
  readonly file: string;
}

/** `live`: this process works. `ready`: and so does what it needs. `ok`: all checks are. */
export interface HealthReport {
  readonly schema: 'forkloop.health/1';
  readonly probe: 'live' | 'ready';
  readonly ok: boolean;
  readonly checks: readonly HealthCheck[];
}

export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  /** For people. */
  readonly detail: string;
}

export interface DumpReport {
  readonly schema: 'forkloop.dump/1';
  readonly status: StatusReport;
  readonly in_flight: readonly RunningJobReport[];
  /** Of workers that run jobs. */
  readonly stacks: readonly WorkerStackReport[];
  /** How the daemon stands with the broker, by queue. */
  readonly leases: readonly {
    readonly queue: string;
    readonly daemon: string;
    readonly state: string;
    /** Deliveries that the broker counts as this daemon's. */
    readonly in_flight: number;
    /** Calls that are not answered yet. */
    readonly under_way: number;
  }[];
  /** Pools that claim nothing although jobs wait and slots are free. */
  readonly stuck: readonly string[];
  /** Since the last round of the supervise loop. */
  readonly loop_age_ms: number;
}

/** A job that a pool has. */
export interface RunningJobReport {
  readonly pool: string;
  readonly job_id: string;
  readonly task: string;
  readonly queue: string;
  readonly attempt: number;
  /** Slot and process of its worker; null while it waits for one. */
  readonly worker: number | null;
  readonly pid: number | null;
  /** Null until its handler was called. */
  readonly running_seconds: number | null;
  readonly progress: StoredJobReport['progress'];
}

export interface ScaleRequest {
  readonly pool: string;
  readonly workers: number;
}

export interface ScaleReport {
  readonly schema: 'forkloop.scale/1';
  readonly pool: string;
  /** How many there should be from now on, and should have been until now. */
  readonly workers: number;
  readonly before: number;
}

export interface ReloadRequest {
  /** Only tells what it would do. */
  readonly dry_run: boolean;
  /** Roll every pool, whatever has changed. */
  readonly all: boolean;
}

/**
 * `applied`, `unchanged`: the daemon runs by the file. `planned`: it would. `invalid`, `restart_needed`: nothing was changed.
 * `failed`: a pool kept its workers, nothing hot took effect. `message` says why.
 */
export interface ReloadReport {
  readonly schema: 'forkloop.reload/1';
  readonly outcome: 'applied' | 'unchanged' | 'planned' | 'invalid' | 'restart_needed' | 'failed';
  readonly generation: number;
  readonly changes: readonly {
    readonly path: string;
    /** Null where the key was not there. */
    readonly from: unknown;
    readonly to: unknown;
    readonly effect: 'hot' | 'roll' | 'restart';
    /** The pool that is rolled; null with `roll`: every pool. */
    readonly pool: string | null;
  }[];
  readonly message: string;
}
