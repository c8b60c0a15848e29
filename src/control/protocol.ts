/**
 * What the daemon's control socket understands: a line of JSON per request, a line of JSON per reply. One request of a
 * connection is under way at a time. File modes are the login: whoever may open the socket may give every command.
 */

import type { ErrorCode } from '../lib/errors.ts';
import type {
  DumpReport,
  HealthReport,
  LogsReopenReport,
  QuietReport,
  ReloadReport,
  ReloadRequest,
  ScaleReport,
  ScaleRequest,
  StatusReport,
  StopReport,
} from './messages/daemon.ts';
import type {
  JobDeleteReport,
  JobOperation,
  JobReport,
  JobRequest,
  JobRetryReport,
  JobsReport,
  JobsRequest,
} from './messages/jobs.ts';
import type {
  QueuePauseReport,
  QueuePurgeReport,
  QueuePurgeRequest,
  QueueRequest,
  QueuesReport,
  StoredQueueReport,
} from './messages/queues.ts';
import type {
  ScheduleReport,
  ScheduleRequest,
  ScheduleRunReport,
  ScheduleRunRequest,
  SchedulesReport,
  SchedulesRequest,
} from './messages/schedules.ts';
import type {
  StacksReport,
  WorkerRestartReport,
  WorkerRestartRequest,
  WorkersReport,
  WorkersRequest,
} from './messages/workers.ts';

/** The socket's name in `control.directory`. */
export const CONTROL_SOCKET = 'control.sock';

/** The longest request, bytes. */
export const REQUEST_LIMIT = 64 * 1024;
/** The longest reply that a client takes: a job with its input and its result, each up to 64 MiB in JSON. */
export const REPLY_LIMIT = 256 * 1024 * 1024;

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
