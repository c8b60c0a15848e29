import type {
  ScheduleReport,
  ScheduleRequest,
  ScheduleRunReport,
  ScheduleRunRequest,
  SchedulesReport,
  SchedulesRequest,
} from '../control/messages/schedules.ts';
import { isoTime } from '../lib/clock.ts';
import type { Scheduler, ScheduleState } from '../scheduler/scheduler.ts';

/** Answers questions about schedules, from what the scheduler knows; only `run` asks the broker. */
export class ScheduleInspector {
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  async list({ next }: SchedulesRequest): Promise<SchedulesReport> {
    return { schema: 'forkloop.schedules/1', schedules: this.#scheduler.list(next).map(scheduleReport) };
  }

  /** @throws ForkloopError ERR_SCHEDULE_UNKNOWN */
  async show({ name, next }: ScheduleRequest): Promise<ScheduleReport> {
    return scheduleReport(this.#scheduler.show(name, next));
  }

  /** @throws ForkloopError ERR_SCHEDULE_UNKNOWN; BrokerError */
  async run({ name }: ScheduleRunRequest): Promise<ScheduleRunReport> {
    const { id, existing, queue } = await this.#scheduler.run(name);
    return { schema: 'forkloop.schedule-run/1', name, id, queue, existing };
  }
}

function scheduleReport({ schedule, watermark, next }: ScheduleState): ScheduleReport {
  const { name, task, queue, cron, everyMs, jitterMs, overlap, missed, input } = schedule;
  return {
    schema: 'forkloop.schedule/1',
    ...{ name, task, queue },
    cron: cron?.expression ?? null,
    timezone: cron?.timezone ?? null,
    every_ms: everyMs,
    jitter_ms: jitterMs,
    ...{ overlap, missed },
    input: JSON.parse(input) as unknown,
    reached_at: watermark === null ? null : isoTime(watermark.tick),
    skipped_for: watermark?.holder ?? null,
    next: next.map(({ tick, dueAt }) => ({ tick_at: isoTime(tick), due_at: isoTime(dueAt) })),
  };
}
