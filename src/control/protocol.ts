/**
 * What the daemon's control socket understands: a line of JSON per request, a line of JSON per reply. One request of a
 * connection is under way at a time. File modes are the login: whoever may open the socket may give every command.
 */

import type { JobState, PurgeState, QueueCounter } from '../broker/broker.ts';
import type { EpochMs } from '../lib/clock.ts';
import type { ErrorCode, ErrorRecord } from '../lib/errors.ts';
import type { PoolState, WorkerState } from '../pool/pool.ts';

/** The socket's name in `control.directory`. */
export const CONTROL_SOCKET = 'control.sock';

/** The longest request, bytes. */
export const REQUEST_LIMIT = 64 * 1024;
/** The longest reply that a client takes: a job with its input and its result, each up to 64 MiB in JSON. */
export const REPLY_LIMIT = 256 * 1024 * 1024;
/** The most jobs that one `jobs` command answers. */
export const JOBS_LIMIT = 10_000;
/** The longest `where`, characters. */
export const WHERE_LIMIT = 10_000;

export interface ControlRequest {
  /** Comes back with the reply. */
  readonly id: number;
  readonly command: string;
  readonly arguments: unknown;
}

/** `id` is null when the request was so broken that it could not be read. */
export type ControlReply =
  | { readonly id: number | null; readonly ok: true; readonly data: unknown }
  | { readonly id: number | null; readonly ok: false; readonly error: ControlError };

export interface ControlError {
  /** One of ours, or ERR_INTERNAL: the daemon's own fault. */
  readonly code: ErrorCode;
  readonly message: string;
}

/** Every command: its arguments and what it answers. */
export interface ControlCommands {
  /** Answers at once from what the daemon knows: never waits for the broker or a worker. */
  readonly status: { readonly arguments: Record<string, never>; readonly data: StatusReport };
  /** Answers before the stop begins. `now`: running jobs are cut short and go back to their queues. */
  readonly stop: { readonly arguments: { readonly now: boolean }; readonly data: StopReport };
  /** Answers when the reload is over, however it ended. */
  readonly reload: { readonly arguments: ReloadRequest; readonly data: ReloadReport };
  /** Answers at once; workers start and leave by and by. ERR_OPTION_INVALID: no such pool, an async one, less than 1. */
  readonly scale: { readonly arguments: ScaleRequest; readonly data: ScaleReport };
  /** Nothing is claimed until `off`; running jobs go on. ERR_DRAINING when the daemon stops. */
  readonly quiet: { readonly arguments: { readonly off: boolean }; readonly data: QuietReport };
  /** Answers at once, as `status` does. */
  readonly health: {
    readonly arguments: { readonly probe: HealthReport['probe'] };
    readonly data: HealthReport;
  };
  /** Answers after a second at most, and writes the same to the daemon's log. */
  readonly dump: { readonly arguments: Record<string, never>; readonly data: DumpReport };
  /** The log goes to a new file from here on. ERR_LOG_FILE: there is none, or it cannot be opened; the old one stays. */
  readonly logs_reopen: { readonly arguments: Record<string, never>; readonly data: LogsReopenReport };
  /** ERR_QUEUE_UNKNOWN; ERR_OPTION_INVALID when `where` cannot be understood. */
  /** Answers at once. ERR_OPTION_INVALID, here and below: no such pool or worker. */
  readonly workers: { readonly arguments: WorkersRequest; readonly data: WorkersReport };
  /** Answers after a second at most. */
  readonly worker_stacks: { readonly arguments: WorkersRequest; readonly data: StacksReport };
  /** Answers when each has been replaced, or could not be. ERR_DRAINING when the daemon stops. */
  readonly worker_restart: { readonly arguments: WorkerRestartRequest; readonly data: WorkerRestartReport };
  readonly jobs: { readonly arguments: JobsRequest; readonly data: JobsReport };
  /** ERR_JOB_UNKNOWN when no job of that id is stored. */
  readonly job: { readonly arguments: JobRequest; readonly data: JobReport };
  /**
   * A dead job is ready again with nothing counted against it, a delayed one is due at once; a ready one stays as it is.
   * ERR_JOB_UNKNOWN, ERR_JOB_IN_FLIGHT, ERR_JOB_CHANGED, ERR_JOB_EXPIRED, ERR_KEY_HELD, ERR_BROKER_FULL.
   */
  readonly job_retry: { readonly arguments: JobOperation; readonly data: JobRetryReport };
  /** Removes a job that does not run. ERR_JOB_UNKNOWN, ERR_JOB_IN_FLIGHT, ERR_JOB_CHANGED. */
  readonly job_delete: { readonly arguments: JobOperation; readonly data: JobDeleteReport };
  /** Asks the broker, as `queue` does: BrokerError's code when it does not answer. */
  readonly queues: { readonly arguments: Record<string, never>; readonly data: QueuesReport };
  /** ERR_QUEUE_UNKNOWN, here and below: no pool of this daemon serves it. */
  readonly queue: { readonly arguments: QueueRequest; readonly data: StoredQueueReport };
  /** For every daemon: nothing more of the queue is claimed or made due until it is resumed; what runs goes on. */
  readonly queue_pause: { readonly arguments: QueueRequest; readonly data: QueuePauseReport };
  /** Removes jobs of one state, at most `limit`; never what is in flight. Give it again while `more`. */
  readonly queue_purge: { readonly arguments: QueuePurgeRequest; readonly data: QueuePurgeReport };
  readonly queue_resume: { readonly arguments: QueueRequest; readonly data: QueuePauseReport };
  readonly schedules: { readonly arguments: SchedulesRequest; readonly data: SchedulesReport };
  /** ERR_SCHEDULE_UNKNOWN when the configuration has none of that name. */
  readonly schedule: { readonly arguments: ScheduleRequest; readonly data: ScheduleReport };
  /** Enqueues the schedule's job now, beside its ticks. ERR_SCHEDULE_UNKNOWN as above. */
  readonly schedule_run: { readonly arguments: ScheduleRunRequest; readonly data: ScheduleRunReport };
}

export type CommandName = keyof ControlCommands;
export type ArgumentsOf<Name extends CommandName> = ControlCommands[Name]['arguments'];
export type DataOf<Name extends CommandName> = ControlCommands[Name]['data'];

/** What the supervisor does for each command. Throws ForkloopError: the caller gets code and message. */
export type ControlHandlers = {
  readonly [Name in CommandName]: (given: ArgumentsOf<Name>) => Promise<DataOf<Name>>;
};

// ------------------------------------------------------------------------------------------------------ reports
// Durations in seconds where the key says so, sizes in bytes, times as ISO 8601 texts, ready to be printed as JSON.

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

export interface QueuesReport {
  readonly schema: 'forkloop.queues/1';
  readonly queues: readonly StoredQueueReport[];
}

export interface QueueRequest {
  readonly name: string;
}

/** A queue as the broker tells it now. */
export interface StoredQueueReport {
  readonly schema: 'forkloop.queue/1';
  readonly name: string;
  readonly pool: string;
  readonly paused: boolean;
  /** Null while it is not paused. */
  readonly paused_since: string | null;
  readonly ready: number;
  readonly delayed: number;
  readonly in_flight: number;
  readonly dead: number;
  /** How long the oldest ready job has existed; null when none is ready. */
  readonly oldest_ready_seconds: number | null;
  /** Since the queue's data began. */
  readonly counters: Readonly<Record<QueueCounter, number>>;
}

export interface QueuePauseReport {
  readonly schema: 'forkloop.queue-pause/1';
  readonly name: string;
  readonly paused: boolean;
  /** Null when it is not paused. */
  readonly paused_since: string | null;
  /** False: it was so already. */
  readonly changed: boolean;
}

/** The most jobs that one `queue_purge` removes. */
export const PURGE_LIMIT = 10_000;

export interface QueuePurgeRequest {
  readonly name: string;
  readonly state: PurgeState;
  /** 1 to PURGE_LIMIT. */
  readonly limit: number;
}

export interface QueuePurgeReport {
  readonly schema: 'forkloop.queue-purge/1';
  readonly name: string;
  readonly state: PurgeState;
  readonly removed: number;
  /** Jobs of that state are left. */
  readonly more: boolean;
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

export type JobReport = StoredJobReport | EndedJobReport;

/** A job that waits, runs or is dead. */
export interface StoredJobReport {
  readonly schema: 'forkloop.job/1';
  readonly id: string;
  readonly task: string;
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
  readonly error?: { readonly name: string; readonly message: string };
}

/** The most ticks to come that one command answers of a schedule. */
export const TICKS_LIMIT = 1_000;

export interface SchedulesRequest {
  /** How many ticks to come of each, 0 to TICKS_LIMIT. */
  readonly next: number;
}

export interface ScheduleRequest extends SchedulesRequest {
  readonly name: string;
}

export interface SchedulesReport {
  readonly schema: 'forkloop.schedules/1';
  readonly schedules: readonly ScheduleReport[];
}

export interface ScheduleReport {
  readonly schema: 'forkloop.schedule/1';
  readonly name: string;
  readonly task: string;
  readonly queue: string;
  /** Null with `every_ms`. */
  readonly cron: string | null;
  readonly timezone: string | null;
  readonly every_ms: number | null;
  readonly jitter_ms: number;
  readonly overlap: 'skip' | 'allow';
  readonly missed: 'once' | 'skip' | 'all';
  readonly input: unknown;
  /**
   * The last tick that was fired; before the first, the time since which the broker knows the schedule. Null while the
   * broker has told nothing.
   */
  readonly reached_at: string | null;
  /** That tick enqueued nothing, because this job of an earlier one still lived. */
  readonly skipped_for: string | null;
  readonly next: readonly {
    /** The nominal time. */
    readonly tick_at: string;
    /** With the jitter. */
    readonly due_at: string;
  }[];
}

export interface ScheduleRunRequest {
  readonly name: string;
}

export interface ScheduleRunReport {
  readonly schema: 'forkloop.schedule-run/1';
  readonly name: string;
  readonly id: string;
  readonly queue: string;
  /** The job lived already (`overlap: skip`): nothing was enqueued. */
  readonly existing: boolean;
}

/** Creation time of a UUIDv7; null for an id of another version. */
export function idTime(id: string): EpochMs | null {
  return id[14] === '7' ? Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16) : null;
}
