/** Jobs for people: pure functions from reports to text. */

import type { JobReport, StoredJobReport } from '../control/messages/jobs.ts';
import type { EpochMs } from '../lib/clock.ts';
import { formatDuration } from '../lib/units.ts';
import { type Colors, safeJson } from './output.ts';
import { formatCount } from './status-view.ts';
import { type Column, cleanLines, cleanText, renderTable } from './table.ts';

export interface JobViewOptions {
  readonly colors: Colors;
  readonly width: number;
  readonly now: EpochMs;
  readonly wide: boolean;
}

/** In a narrower terminal a note would be cut to nothing, and take the task's name with it; `job show` tells it whole. */
const ROOM_FOR_NOTES = 100;

export function jobTable(
  jobs: readonly StoredJobReport[],
  { colors, width, now, wide }: JobViewOptions,
): string {
  const columns: Column<StoredJobReport>[] = [
    { header: 'ID', value: ({ id }) => id },
    { header: 'TASK', value: ({ task }) => task, shrink: true },
    ...(wide ? [{ header: 'QUEUE', value: ({ queue }: StoredJobReport) => queue, shrink: true }] : []),
    {
      header: 'STATE',
      value: ({ state }) => state,
      paint: (text, { state }) => paintState(text, state, colors),
    },
    { header: 'AGE', value: ({ created_at }) => since(created_at, now), align: 'right' },
    { header: 'TRY', value: ({ attempt }) => String(attempt), align: 'right' },
    ...(wide ? wideColumns : []),
    ...(wide || width >= ROOM_FOR_NOTES
      ? [{ header: 'NOTE', value: (job: StoredJobReport) => note(job, now), shrink: true }]
      : []),
  ];
  return renderTable(columns, jobs, { width, paintHeader: colors.dim });
}

const wideColumns: Column<StoredJobReport>[] = [
  { header: 'PRIORITY', value: ({ priority }) => String(priority), align: 'right' },
  { header: 'UNIQUE', value: ({ unique }) => unique ?? '-', shrink: true },
];

const NOT_LOADED = 'no task of that name is loaded';

/** What matters most about a job beside its state. */
function note(job: StoredJobReport, now: EpochMs): string {
  const { state, due_at, crashes, progress, error } = job;
  const parts = [
    ...(job.task_loaded === false ? [NOT_LOADED] : []),
    ...(crashes > 0 ? [`crashed ${crashes === 1 ? 'once' : `${formatCount(crashes)} times`}`] : []),
    ...(state === 'delayed' && due_at !== null ? [`due ${relativeTime(due_at, now)}`] : []),
    ...(progress === null ? [] : [progressText(progress)]),
    ...(error === null ? [] : [`${error.name}: ${error.message}`]),
  ];
  return parts.join('; ');
}

/** One job, a line per fact that is there. */
export function jobView(job: JobReport, { colors, now }: JobViewOptions): string {
  const facts = 'task' in job ? storedFacts(job, now) : [['queue', job.queue] as const];
  const lines: (readonly [string, string])[] = [
    ['job', job.id],
    ['state', paintState(job.state, job.state, colors)],
    ...facts,
    ...(job.created_at === null
      ? []
      : [['created', `${job.created_at}  ${relativeTime(job.created_at, now)}`] as const]),
    ...('result' in job ? [['result', safeJson(job.result)] as const] : []),
    ...('input' in job ? [['input', safeJson(job.input)] as const] : []),
  ];
  const error = job.error ?? null;
  const table = lines.map(([name, text]) => `${colors.dim(name.padEnd(9))} ${text}`).join('\n');
  if (error === null) return table;
  const stack =
    'stack' in error && typeof error.stack === 'string' ? error.stack : `${error.name}: ${error.message}`;
  return `${table}\n${colors.dim('error')}\n${indent(cleanLines(stack))}`;
}

function storedFacts(job: StoredJobReport, now: EpochMs): (readonly [string, string])[] {
  const time = (name: string, at: string | null) =>
    at === null ? [] : [[name, `${at}  ${relativeTime(at, now)}`] as const];
  const counts = [
    ...(job.failures > 0 ? [`${formatCount(job.failures)} failed`] : []),
    ...(job.crashes > 0 ? [`${formatCount(job.crashes)} crashed`] : []),
    ...(job.recoveries > 0 ? [`${formatCount(job.recoveries)} recovered`] : []),
  ];
  return [
    [
      'task',
      `${cleanText(job.task)}${job.task_loaded === false ? `  (${NOT_LOADED}: the job waits for it)` : ''}`,
    ],
    ['queue', cleanText(job.queue)],
    ['priority', String(job.priority)],
    ['attempt', `${job.attempt}${counts.length === 0 ? '' : `  (${counts.join(', ')})`}`],
    ...(job.unique === null ? [] : [['unique', cleanText(job.unique)] as const]),
    ...(job.progress === null ? [] : [['progress', progressText(job.progress)] as const]),
    ...time('due', job.due_at),
    ...time('died', job.died_at),
    ...time('expires', job.expires_at),
  ];
}

function progressText({ done, total }: { done: number; total: number | null }): string {
  if (total === null || total <= 0) return formatCount(done);
  return `${Math.floor((done / total) * 100)}% (${formatCount(done)} of ${formatCount(total)})`;
}

/** `in 5s`, `3m 20s ago`. */
export function relativeTime(iso: string, now: EpochMs): string {
  const distance = Date.parse(iso) - now;
  return distance >= 0 ? `in ${wholeSeconds(distance)}` : `${wholeSeconds(-distance)} ago`;
}

function since(iso: string | null, now: EpochMs): string {
  return iso === null ? '-' : wholeSeconds(Math.max(0, now - Date.parse(iso)));
}

/** As in `3m 20s`: an age finer than a second only flickers. */
export const wholeSeconds = (ms: number): string =>
  ms < 1_000 ? '0s' : formatDuration(Math.floor(ms / 1_000) * 1_000);

function paintState(text: string, state: string, colors: Colors): string {
  if (state === 'dead') return colors.red(text);
  if (state === 'in_flight' || state === 'completed') return colors.green(text);
  return state === 'delayed' ? colors.yellow(text) : text;
}

const indent = (text: string): string => text.replace(/^/gm, '  ');
