import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import type { DumpReport, RunningJobReport } from '../control/messages/daemon.ts';
import { formatDuration } from '../lib/units.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { EXIT } from './exit.ts';
import type { Output } from './output.ts';
import { statusView } from './status-view.ts';
import { type Column, renderTable } from './table.ts';
import { stacksView } from './worker-view.ts';

export function addDump(program: Command, bind: Bind): void {
  program
    .command('dump')
    .description('all that the daemon knows of itself')
    .addHelpText(
      'after',
      `
Prints state, pools, queues, leases, every job in flight, the longest first, and
where the code of busy workers is, and writes the same to the daemon's log.
SIGPWR writes to the log only.

Examples:
  supervisor dump
  supervisor dump -o json | jq '.in_flight[] | select(.running_seconds > 60)'
`,
    )
    .action(bind(dump));
}

async function dump(context: CommandContext): Promise<number> {
  const { output, clock, timeoutMs } = context;
  const socket = await context.controlSocket();
  const report = await callDaemon(socket, 'dump', {}, { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock });
  await output.report(report, () => dumpView(report, context));
  return EXIT.done;
}

function dumpView(report: DumpReport, { output, cwd }: CommandContext): string {
  const { colors, width } = output;
  const layout = { width, paintHeader: colors.dim };
  return [
    statusView(report.status, { colors, width, cwd, wide: true }),
    renderTable(leaseColumns, report.leases, layout),
    report.in_flight.length === 0 ? 'no job is in flight' : renderTable(jobColumns, report.in_flight, layout),
    ...stacksIn(report, output),
    ...report.stuck.map((pool) => colors.red(`pool ${pool} is stuck: jobs wait and slots are free`)),
  ].join('\n\n');
}

/** Those of code that runs: what waits has none. */
function stacksIn({ stacks }: DumpReport, { colors }: Output): string[] {
  const found = stacks.filter(({ stack }) => stack !== null);
  return found.length === 0 ? [] : [stacksView(found, colors)];
}

const leaseColumns: Column<DumpReport['leases'][number]>[] = [
  { header: 'LEASE', value: ({ queue }) => queue, shrink: true },
  { header: 'STATE', value: ({ state }) => state },
  { header: 'IN FLIGHT', value: ({ in_flight }) => String(in_flight), align: 'right' },
  { header: 'CALLS', value: ({ under_way }) => String(under_way), align: 'right' },
  { header: 'ID', value: ({ daemon }) => daemon, shrink: true },
];

const jobColumns: Column<RunningJobReport>[] = [
  { header: 'JOB', value: ({ job_id }) => job_id },
  { header: 'TASK', value: ({ task }) => task, shrink: true },
  {
    header: 'WORKER',
    value: ({ pool, worker }) => (worker === null ? pool : `${pool}/${worker}`),
    shrink: true,
  },
  {
    header: 'RUNS FOR',
    value: ({ running_seconds: seconds }) => (seconds === null ? '-' : formatDuration(seconds * 1_000)),
    align: 'right',
  },
];
