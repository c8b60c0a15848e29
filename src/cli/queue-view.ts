/** Queues for people: pure functions from reports to text. */

import type { StoredQueueReport } from '../control/messages/queues.ts';
import type { EpochMs } from '../lib/clock.ts';
import { relativeTime, wholeSeconds } from './job-view.ts';
import type { Colors } from './output.ts';
import { formatCount } from './status-view.ts';
import { type Column, cleanText, renderTable } from './table.ts';

export interface QueueViewOptions {
  readonly colors: Colors;
  readonly width: number;
  readonly now: EpochMs;
  readonly wide: boolean;
}

export function queueTable(
  queues: readonly StoredQueueReport[],
  { colors, width, wide }: QueueViewOptions,
): string {
  const count = (header: string, of: (queue: StoredQueueReport) => number): Column<StoredQueueReport> => ({
    header,
    value: (queue) => formatCount(of(queue)),
    align: 'right',
  });
  const columns: Column<StoredQueueReport>[] = [
    { header: 'QUEUE', value: ({ name }) => name, shrink: true },
    { header: 'POOL', value: ({ pool }) => pool, shrink: true },
    {
      header: 'STATE',
      value: ({ paused }) => (paused ? 'paused' : 'open'),
      paint: (text, { paused }) => (paused ? colors.yellow(text) : colors.green(text)),
    },
    count('READY', ({ ready }) => ready),
    count('DELAYED', ({ delayed }) => delayed),
    count('IN FLIGHT', ({ in_flight }) => in_flight),
    {
      ...count('DEAD', ({ dead }) => dead),
      paint: (text, { dead }) => (dead > 0 ? colors.red(text) : text),
    },
    { header: 'OLDEST', value: oldestOf, align: 'right' },
    ...(wide
      ? [
          count('ENQUEUED', ({ counters }) => counters.enqueued),
          count('COMPLETED', ({ counters }) => counters.completed),
          count('RETRIED', ({ counters }) => counters.retried),
          count('DIED', ({ counters }) => counters.dead),
        ]
      : []),
  ];
  return renderTable(columns, queues, { width, paintHeader: colors.dim });
}

/** One queue, a line per fact. */
export function queueView(queue: StoredQueueReport, { colors, now }: QueueViewOptions): string {
  const { name, pool, paused, paused_since, ready, delayed, in_flight, dead, counters } = queue;
  const since = paused_since === null ? '' : `  since ${paused_since}  ${relativeTime(paused_since, now)}`;
  const facts: (readonly [string, string])[] = [
    ['queue', cleanText(name)],
    ['pool', cleanText(pool)],
    ['state', paused ? `${colors.yellow('paused')}${since}` : colors.green('open')],
    ['ready', formatCount(ready)],
    ['delayed', formatCount(delayed)],
    ['in flight', formatCount(in_flight)],
    ['dead', dead > 0 ? colors.red(formatCount(dead)) : '0'],
    ['oldest', oldestOf(queue)],
    ...Object.entries(counters).map(
      ([counter, value], at) => [at === 0 ? 'so far' : '', `${formatCount(value)} ${counter}`] as const,
    ),
  ];
  return facts.map(([key, text]) => `${colors.dim(key.padEnd(9))} ${text}`).join('\n');
}

/** How long the oldest ready job has waited. */
const oldestOf = ({ oldest_ready_seconds: oldest }: StoredQueueReport): string =>
  oldest === null ? '-' : wholeSeconds(oldest * 1_000);
