/** Workers for people: pure functions from reports to text. */

import type {
  RestartedWorkerReport,
  WorkerDetailReport,
  WorkerStackReport,
} from '../control/messages/workers.ts';
import { formatBytes, formatDuration } from '../lib/units.ts';
import type { Colors } from './output.ts';
import { formatCount, paintState } from './status-view.ts';
import { type Column, cleanLines, cleanText, renderTable } from './table.ts';

export interface WorkerViewOptions {
  readonly colors: Colors;
  readonly width: number;
  readonly wide: boolean;
}

export function workerTable(
  workers: readonly WorkerDetailReport[],
  { colors, width, wide }: WorkerViewOptions,
): string {
  const more = (columns: Column<WorkerDetailReport>[]) => (wide ? columns : []);
  const columns: Column<WorkerDetailReport>[] = [
    { header: 'WORKER', value: ({ id }) => id, shrink: true },
    ...more([{ header: 'HOST', value: ({ host }) => host }]),
    { header: 'PID', value: ({ pid }) => pid?.toString() ?? '-', align: 'right' },
    {
      header: 'STATE',
      value: stateOf,
      paint: (text, worker) => paintState(stateOf(worker), colors, text),
    },
    { header: 'TASK', value: taskOf, shrink: true },
    ...more([{ header: 'JOB', value: ({ longest }) => longest?.job_id ?? '-' }]),
    { header: 'FOR', value: ({ longest }) => secondsText(longest?.running_seconds ?? null), align: 'right' },
    {
      header: 'MEMORY',
      value: ({ rss_bytes }) => (rss_bytes === null ? '-' : formatBytes(rss_bytes)),
      align: 'right',
    },
    {
      header: 'CPU',
      value: ({ cpu_percent }) => (cpu_percent === null ? '-' : `${Math.round(cpu_percent)}%`),
      align: 'right',
    },
    { header: 'DONE', value: ({ jobs_done }) => formatCount(jobs_done), align: 'right' },
    { header: 'AGE', value: ({ age_seconds }) => secondsText(age_seconds), align: 'right' },
    ...more([
      { header: 'GENERATION', value: ({ generation }) => generation?.toString() ?? '-', align: 'right' },
      { header: 'RESTARTS', value: ({ restarts }) => String(restarts), align: 'right' },
    ]),
  ];
  return renderTable(columns, workers, { width, paintHeader: colors.dim });
}

export function restartTable(
  workers: readonly RestartedWorkerReport[],
  { colors, width }: Omit<WorkerViewOptions, 'wide'>,
): string {
  const columns: Column<RestartedWorkerReport>[] = [
    { header: 'WORKER', value: ({ id }) => id },
    { header: 'PID BEFORE', value: ({ pid_before }) => pid_before?.toString() ?? '-', align: 'right' },
    { header: 'PID NOW', value: ({ pid }) => pid?.toString() ?? '-', align: 'right' },
    {
      header: 'RESULT',
      value: ({ error }) => error ?? 'replaced',
      paint: (text, { restarted }) => (restarted ? colors.green(text) : colors.red(text)),
      shrink: true,
    },
  ];
  return renderTable(columns, workers, { width, paintHeader: colors.dim });
}

/** For each worker a line that says who it is, then its stack. */
export function stacksView(stacks: readonly WorkerStackReport[], colors: Colors): string {
  return stacks.map((one) => `${headOf(one, colors)}\n${bodyOf(one, colors)}`).join('\n\n');
}

function headOf({ id, pid, state, jobs_running, job_id, task }: WorkerStackReport, colors: Colors): string {
  const job = job_id === null ? `${jobs_running} job${jobs_running === 1 ? '' : 's'}` : `${task}  ${job_id}`;
  const parts = [colors.bold(cleanText(id)), `pid ${pid ?? '-'}`, paintState(state, colors)];
  return [...parts, ...(jobs_running === 0 ? [] : [cleanText(job)])].join('  ');
}

function bodyOf({ stack, jobs_running }: WorkerStackReport, colors: Colors): string {
  if (stack !== null) return cleanLines(stack);
  const why =
    jobs_running === 0 ? 'it waits for jobs' : 'no JavaScript runs: it waits, or is inside native code';
  return colors.dim(`    ${why}`);
}

const stateOf = ({ state, stalled }: WorkerDetailReport): string => (stalled ? 'stalled' : state);

function taskOf({ longest, jobs_running }: WorkerDetailReport): string {
  if (longest === null) return '-';
  return jobs_running > 1 ? `${longest.task} +${jobs_running - 1}` : longest.task;
}

const secondsText = (seconds: number | null): string =>
  seconds === null ? '-' : formatDuration(seconds * 1_000);
