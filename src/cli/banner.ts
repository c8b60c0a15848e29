import type { PoolReport, StatusReport } from '../control/messages/daemon.ts';
import { type EpochMs, isoTime } from '../lib/clock.ts';
import { formatDuration } from '../lib/units.ts';
import { relativeTime } from './job-view.ts';
import type { Colors } from './output.ts';
import { formatCount, shortPath } from './status-view.ts';
import { cleanText, cutText, renderTable } from './table.ts';

export interface BannerFacts {
  readonly status: StatusReport;
  /** Names of the tasks that the workers have loaded; those of several pools may repeat. */
  readonly tasks: readonly string[];
  /** The next tick of each schedule. */
  readonly next: readonly { readonly schedule: string; readonly dueAt: EpochMs }[];
  readonly now: EpochMs;
  /** From the start of the program to the readiness of the daemon. */
  readonly readyMs: number;
  /** `shutdown.drain_timeout`. */
  readonly drainMs: number;
  /** How the user called the program, as in `bin/supervisor`. */
  readonly program: string;
  /** Options that lead other commands to this daemon, as in `-c config.yaml`; empty when they find it by themselves. */
  readonly finder: string;
}

/** What a person sees when the daemon is ready: who it is, what it runs, what to try next, how to end it. */
export function banner(facts: BannerFacts, options: { colors: Colors; width: number; cwd: string }): string {
  const { status, tasks, next, now, readyMs, drainMs, program, finder } = facts;
  const { colors, width, cwd } = options;
  const who = [
    colors.bold(`forkloop ${status.version}`),
    cleanText(status.name),
    `pid ${status.pid}`,
    shortPath(status.config.path, cwd),
  ];
  const away = status.broker.up ? '' : ` ${colors.red('(does not answer)')}`;
  const broker = `${status.broker.type}  ${shortPath(status.broker.location, cwd)}${away}`;
  const names = [...new Set(tasks)].sort((one, other) => one.localeCompare(other));
  const call = `${program}${finder === '' ? '' : ` ${finder}`}`;
  const hint = (word: string, text: string) => `${colors.dim(word.padEnd(6))}  ${text}`;
  const fitted = (text: string) => cutText(cleanText(text), width - 8);
  return [
    who.join('  '),
    hint('broker', broker),
    ...(status.log.file === null ? [] : [hint('log', shortPath(status.log.file, cwd))]),
    poolLines(status.pools, width),
    hint('ready', `in ${formatDuration(readyMs)}`),
    ...(names.length === 0 ? [] : [hint('tasks', fitted(names.join(' ')))]),
    ...(next.length === 0 ? [] : [hint('next', fitted(nextText(next, now)))]),
    hint('try', `${call} enqueue ${names.length === 1 ? cleanText(names[0] ?? '') : 'TASK'} JSON --wait`),
    hint('', `${call} status -w`),
    hint('stop', `Ctrl-C drains (${formatDuration(drainMs)}), again stops now`),
  ].join('\n');
}

function nextText(next: BannerFacts['next'], now: EpochMs): string {
  const soonest = next.toSorted((one, other) => one.dueAt - other.dueAt);
  return soonest.map(({ schedule, dueAt }) => `${schedule} ${relativeTime(isoTime(dueAt), now)}`).join(', ');
}

function poolLines(pools: readonly PoolReport[], width: number): string {
  const text = renderTable<PoolReport>(
    [
      { header: 'pool  ', value: ({ name }) => name.padEnd(6) },
      { header: 'kind', value: ({ kind }) => kind },
      { header: 'size', value: sizeOf },
      { header: 'host', value: ({ kind, host }) => (kind === 'async' ? host : '') },
      { header: 'queues', value: ({ queues }) => queues.join(' '), shrink: true },
    ],
    pools,
    { width },
  );
  return text.slice(text.indexOf('\n') + 1);
}

function sizeOf({ kind, concurrency }: PoolReport): string {
  const what = kind === 'process' ? 'worker' : 'slot';
  return `${formatCount(concurrency)} ${what}${concurrency === 1 ? '' : 's'}`;
}
