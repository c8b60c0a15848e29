/**
 * What is asked and told of schedules.
 * Durations in seconds where the key says so, sizes in bytes, times as ISO 8601 texts, ready to be printed as JSON.
 */

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
