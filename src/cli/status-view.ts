/** A daemon's status for people: pure functions from the report to text. */

import { relative } from 'node:path';
import type { PoolReport, QueueReport, StatusReport } from '../control/messages/daemon.ts';
import type { WorkerReport } from '../control/messages/workers.ts';
import { formatBytes, formatDuration } from '../lib/units.ts';
import type { Colors } from './output.ts';
import { type Column, cleanText, renderTable, textWidth } from './table.ts';

export interface ViewOptions {
  readonly colors: Colors;
  readonly width: number;
  /** Paths are shown relative to it where that is shorter. */
  readonly cwd: string;
  /** More columns. */
  readonly wide: boolean;
}

export function statusView(report: StatusReport, options: ViewOptions): string {
  const workers = report.pools.flatMap((pool) =>
    pool.workers.map((worker) => ({ ...worker, pool: pool.name })),
  );
  return [
    headerLines(report, options),
    table(poolColumns(options), report.pools, options),
    table(workerColumns(options), workers, options),
    table(queueColumns(report.queues, options), report.queues, options),
  ].join('\n\n');
}

/** Who it is, and where its jobs are: a line each where the terminal is wide enough. */
function headerLines(
  { version, name, pid, state, uptime_seconds, broker, config }: StatusReport,
  { colors, cwd, wide, width }: ViewOptions,
): string {
  const plain = (text: string): Part => ({ text, painted: text });
  const up = `up ${formatDuration(uptime_seconds * 1_000)}`;
  const answers = broker.up ? 'up' : 'does not answer';
  const first = [
    plain(`forkloop ${version}`),
    { text: cleanText(name), painted: colors.bold(cleanText(name)) },
    plain(`pid ${pid}`),
    { text: `${state}, ${up}`, painted: `${paintState(state, colors)}, ${up}` },
    plain(shortPath(config.path, cwd)),
    ...(wide ? [plain(`generation ${config.generation}`)] : []),
  ];
  const second = [
    plain(`broker  ${broker.type}`),
    { text: answers, painted: broker.up ? colors.green(answers) : colors.red(answers) },
    plain(shortPath(broker.location, cwd)),
  ];
  return `${flow(first, width)}\n${flow(second, width)}`;
}

interface Part {
  readonly text: string;
  /** The same with colours, which take no room. */
  readonly painted: string;
}

/** Side by side; what does not fit goes on in the next line, a little to the right. */
function flow(parts: readonly Part[], width: number): string {
  const gap = '  ';
  let used = 0;
  return parts.reduce((line, { text, painted }) => {
    const fits = used === 0 || used + gap.length + textWidth(text) <= width;
    used = (fits ? used : 0) + (line === '' ? 0 : gap.length) + textWidth(text);
    return line === '' ? painted : `${line}${fits ? '' : '\n'}${gap}${painted}`;
  }, '');
}

function poolColumns({ colors, wide }: ViewOptions): Column<PoolReport>[] {
  return [
    { header: 'POOL', value: ({ name }) => name, shrink: true },
    { header: 'KIND', value: ({ kind }) => kind },
    ...(wide ? [{ header: 'HOST', value: ({ host }: PoolReport) => host }] : []),
    {
      header: 'STATE',
      value: ({ state }) => state,
      paint: (text, { state }) => paintState(state, colors, text),
    },
    { header: 'BUSY', value: ({ busy, concurrency }) => `${busy}/${concurrency}`, align: 'right' },
    { header: 'WORKERS', value: workersText, align: 'right' },
    { header: 'QUEUES', value: ({ queues }) => queues.join(' '), shrink: true },
  ];
}

/** How many can work, of how many there should be. */
function workersText({ kind, workers, concurrency }: PoolReport): string {
  const able = workers.filter(({ state }) => state === 'ready' || state === 'busy').length;
  return `${able}/${kind === 'process' ? concurrency : 1}`;
}

function workerColumns({ colors, wide }: ViewOptions): Column<WorkerReport & { pool: string }>[] {
  return [
    { header: 'WORKER', value: ({ pool, slot }) => `${pool}/${slot}`, shrink: true },
    { header: 'PID', value: ({ pid }) => (pid === null ? '-' : String(pid)), align: 'right' },
    {
      header: 'STATE',
      value: ({ state, stalled }) => (stalled ? 'stalled' : state),
      paint: (text, { state, stalled }) => paintState(stalled ? 'stalled' : state, colors, text),
    },
    {
      header: 'MEMORY',
      value: ({ rss_bytes }) => (rss_bytes === null ? '-' : formatBytes(rss_bytes)),
      align: 'right',
    },
    ...(wide
      ? [
          {
            header: 'GENERATION',
            value: ({ generation }: WorkerReport) => (generation === null ? '-' : String(generation)),
            align: 'right' as const,
          },
        ]
      : []),
    { header: 'RESTARTS', value: ({ restarts }) => String(restarts), align: 'right' },
  ];
}

function queueColumns(queues: readonly QueueReport[], { colors }: ViewOptions): Column<QueueReport>[] {
  const paused: Column<QueueReport> = {
    header: 'STATE',
    value: (queue) => (queue.paused === null ? '-' : queue.paused ? 'paused' : 'open'),
    paint: (text, queue) => (queue.paused === true ? colors.yellow(text) : text),
  };
  const count = (header: string, value: (queue: QueueReport) => number | null): Column<QueueReport> => ({
    header,
    value: (queue) => formatCount(value(queue)),
    align: 'right',
  });
  return [
    { header: 'QUEUE', value: ({ name }) => name, shrink: true },
    { header: 'POOL', value: ({ pool }) => pool, shrink: true },
    ...(queues.some((queue) => queue.paused === true) ? [paused] : []),
    count('READY', ({ ready }) => ready),
    count('DELAYED', ({ delayed }) => delayed),
    count('IN FLIGHT', ({ in_flight }) => in_flight),
    {
      ...count('DEAD', ({ dead }) => dead),
      paint: (text, { dead }) => ((dead ?? 0) > 0 ? colors.red(text) : text),
    },
    {
      header: 'OLDEST',
      value: ({ oldest_ready_seconds: oldest }) => (oldest === null ? '-' : formatDuration(oldest * 1_000)),
      align: 'right',
    },
  ];
}

function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { colors, width }: ViewOptions,
): string {
  return renderTable(columns, rows, { width, paintHeader: colors.dim });
}

const GOOD = ['ok', 'ready', 'busy', 'running'];
const BAD = ['crash_loop', 'exited', 'stopped'];

/** A state, of whatever, in the colour of what it means. */
export function paintState(state: string, colors: Colors, text = state): string {
  if (GOOD.includes(state)) return colors.green(text);
  return BAD.includes(state) ? colors.red(text) : colors.yellow(text);
}

/** With thousands separated; `-` for what is not known. */
export const formatCount = (count: number | null): string =>
  count === null ? '-' : String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** Relative to `cwd` where that is shorter; what is no absolute path stays as it is. */
export function shortPath(path: string, cwd: string): string {
  const clean = cleanText(path);
  if (!clean.startsWith('/')) return clean;
  const short = relative(cwd, clean);
  return short !== '' && short.length < clean.length ? short : clean;
}
