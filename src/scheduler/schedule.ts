import { encodeJob } from '../broker/job-record.ts';
import type { EpochMs } from '../lib/clock.ts';
import { type Overlap, uniqueKeyOf } from './overlap.ts';
import { tickId } from './tick-id.ts';
import type { Rule } from './ticks.ts';

/** One schedule, ready to fire: its rule, and what its jobs are. */
export interface Schedule extends Rule {
  /** As the configuration says it, for people. */
  readonly cron: { readonly expression: string; readonly timezone: string } | null;
  readonly everyMs: number | null;
  readonly overlap: Overlap;
  readonly task: string;
  readonly queue: string;
  readonly priority: number;
  /** How long the results of its jobs are kept; undefined: they are not. */
  readonly resultTtlMs: number | undefined;
  /** JSON. */
  readonly input: string;
}

/** The record of a tick's job. @throws ForkloopError ERR_OPTION_INVALID when the schedule's name is too long for it. */
export const tickRecord = (schedule: Schedule, tick: EpochMs): string =>
  recordOf(schedule, tickId(schedule.queue, schedule.name, tick));

/** The record of a job that belongs to no tick. */
export function recordOf(schedule: Schedule, id: string): string {
  const { name, task, priority, resultTtlMs, overlap, input } = schedule;
  return encodeJob({
    id,
    task,
    priority,
    keepResult: resultTtlMs !== undefined,
    expiresAt: 0,
    unique: uniqueKeyOf(name, overlap),
    options: resultTtlMs === undefined ? {} : { resultTtl: resultTtlMs },
    input,
  });
}
