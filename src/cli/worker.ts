import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext, usageError } from './context.ts';
import { EXIT } from './exit.ts';
import { restartTable, stacksView, workerTable } from './worker-view.ts';

export function addWorker(program: Command, bind: Bind): void {
  const worker = program
    .command('worker')
    .description('look at workers, replace them, see where they hang')
    .addHelpText(
      'after',
      `
A worker is called by its pool and its slot, as in cpu/0.

Examples:
  supervisor worker list
  supervisor worker stacks cpu/0
  supervisor worker restart cpu
`,
    );
  worker
    .command('list')
    .description('every worker: what it runs, since when, what it uses')
    .argument('[worker...]', 'a pool, or one worker as in cpu/0; none = all')
    .addHelpText(
      'after',
      `
TASK is that of the job that has run longest, FOR how long; +2 = two more jobs.
CPU is of one core, since the last look. DONE counts jobs. -o wide tells more.
A stalled worker runs a job that uses no processor time and does not answer.

Examples:
  supervisor worker list
  supervisor worker list cpu -o wide
  supervisor worker list -o json | jq '.workers[] | select(.stalled)'
`,
    )
    .action(bind(list));
  worker
    .command('restart')
    .description('replace workers, the new one first')
    .argument('[worker...]', 'a pool, or one worker as in cpu/0')
    .option('--all', 'every worker of the daemon')
    .addHelpText(
      'after',
      `
A new worker starts beside the old one and takes its place when it is ready; the
old one ends what it runs, then goes: no job is lost or cut short. One worker of
a pool at a time. A new worker that does not start leaves the old one in place.
The command waits for the end; interrupt it, and the daemon goes on with it.

Exit codes: 0 all replaced, 1 one was not (the reason is told).

Examples:
  supervisor worker restart cpu/0
  supervisor worker restart cpu
  supervisor worker restart --all
`,
    )
    .action(bind(restart));
  worker
    .command('stacks')
    .description('where the JavaScript of workers is, also while it hangs')
    .argument('[worker...]', 'a pool, or one worker as in cpu/0; none = all')
    .addHelpText(
      'after',
      `
Each worker is stopped for some milliseconds. There is no stack of one that
waits for something, is inside native code, or was stopped by a signal.

Examples:
  supervisor worker stacks
  supervisor worker stacks cpu/0
  supervisor worker stacks -o ndjson | jq -r 'select(.stack) | .id, .stack'
`,
    )
    .action(bind(stacks));
}

async function list(context: CommandContext, workers: readonly string[]): Promise<number> {
  const { output } = context;
  const { colors, width, format } = output;
  const socket = await context.controlSocket();
  const report = await callDaemon(socket, 'workers', { workers }, callOptions(context));
  const view = { colors, width, wide: format === 'wide' };
  await output.report(report, () => workerTable(report.workers, view), report.workers);
  return EXIT.done;
}

/** Old workers end their jobs, one after the other. */
const PATIENCE_MS = 3_600_000;

async function restart(
  context: CommandContext,
  workers: readonly string[],
  flags: { all?: boolean },
): Promise<number> {
  const all = flags.all === true;
  if (all === workers.length > 0) {
    throw usageError(
      all
        ? 'name workers or write --all, not both'
        : 'which workers? name a pool, or one as in cpu/0, or write --all',
    );
  }
  const { output } = context;
  const { colors, width } = output;
  const socket = await context.controlSocket();
  const options = callOptions(context, PATIENCE_MS);
  const report = await callDaemon(socket, 'worker_restart', { workers, all }, options);
  await output.report(report, () => restartTable(report.workers, { colors, width }), report.workers);
  return report.workers.every(({ restarted }) => restarted) ? EXIT.done : EXIT.failed;
}

async function stacks(context: CommandContext, workers: readonly string[]): Promise<number> {
  const { output } = context;
  const socket = await context.controlSocket();
  const report = await callDaemon(socket, 'worker_stacks', { workers }, callOptions(context));
  await output.report(report, () => stacksView(report.stacks, output.colors), report.stacks);
  return EXIT.done;
}

const callOptions = ({ clock, timeoutMs }: CommandContext, patienceMs = CALL_TIMEOUT_MS) => ({
  timeoutMs: timeoutMs ?? patienceMs,
  clock,
});
