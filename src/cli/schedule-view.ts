/** Schedules for people: pure functions from reports to text. */

import type { ScheduleReport } from '../control/messages/schedules.ts';
import type { EpochMs } from '../lib/clock.ts';
import { formatDuration } from '../lib/units.ts';
import { relativeTime } from './job-view.ts';
import { type Colors, safeJson } from './output.ts';
import { type Column, cleanText, renderTable } from './table.ts';

export interface ScheduleViewOptions {
  readonly colors: Colors;
  readonly width: number;
  readonly now: EpochMs;
  readonly wide: boolean;
}

export function scheduleTable(
  schedules: readonly ScheduleReport[],
  { colors, width, now, wide }: ScheduleViewOptions,
): string {
  const columns: Column<ScheduleReport>[] = [
    { header: 'NAME', value: ({ name }) => name, shrink: true },
    { header: 'TASK', value: ({ task }) => task, shrink: true },
    ...(wide ? [{ header: 'QUEUE', value: ({ queue }: ScheduleReport) => queue, shrink: true }] : []),
    { header: 'WHEN', value: whenOf, shrink: true },
    { header: 'NEXT', value: ({ next }) => timeOf(next[0]?.due_at ?? null, now) },
    { header: 'LAST', value: ({ reached_at }) => timeOf(reached_at, now) },
    {
      header: 'NOTE',
      value: ({ skipped_for }) => (skipped_for === null ? '' : `skipped: ${skipped_for} lives`),
      paint: (text) => colors.yellow(text),
      shrink: true,
    },
  ];
  return renderTable(columns, schedules, { width, paintHeader: colors.dim });
}

/** One schedule, a line per fact. */
export function scheduleView(schedule: ScheduleReport, { colors, now }: ScheduleViewOptions): string {
  const { name, task, queue, jitter_ms, overlap, missed, input, reached_at, skipped_for, next } = schedule;
  const stamp = (at: string) => `${at}  ${relativeTime(at, now)}`;
  const facts: (readonly [string, string])[] = [
    ['schedule', cleanText(name)],
    ['task', cleanText(task)],
    ['queue', cleanText(queue)],
    ['when', whenOf(schedule)],
    ...(jitter_ms === 0 ? [] : [['jitter', `up to ${formatDuration(jitter_ms)}`] as const]),
    ['overlap', overlap],
    ['missed', missed],
    ...(input === null ? [] : [['input', safeJson(input)] as const]),
    ['last', reached_at === null ? 'not known: the broker has not answered yet' : stamp(reached_at)],
    ...(skipped_for === null ? [] : [['', `skipped: the job ${skipped_for} still lived`] as const]),
    ...next.map(({ due_at }, at) => [at === 0 ? 'next' : '', stamp(due_at)] as const),
  ];
  return facts.map(([key, text]) => `${colors.dim(key.padEnd(9))} ${text}`).join('\n');
}

function whenOf({ cron, timezone, every_ms }: ScheduleReport): string {
  return cron === null ? `every ${formatDuration(every_ms ?? 0)}` : cleanText(`${cron}  ${timezone}`);
}

const timeOf = (at: string | null, now: EpochMs): string => (at === null ? '-' : relativeTime(at, now));
