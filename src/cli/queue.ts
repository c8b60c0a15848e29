import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { EXIT } from './exit.ts';
import { addQueuePurge } from './queue-purge.ts';
import { type QueueViewOptions, queueTable, queueView } from './queue-view.ts';
import { cleanText } from './table.ts';

export function addQueue(program: Command, bind: Bind): void {
  const queue = program.command('queue').description('look at queues, pause, resume, purge them');
  queue.addHelpText(
    'after',
    `
Examples:
  supervisor queue list
  supervisor queue pause eta
`,
  );
  addReading(queue, bind);
  addPausing(queue, bind);
  addQueuePurge(queue, bind);
}

function addReading(queue: Command, bind: Bind): void {
  queue
    .command('list')
    .description('every queue: its pool, its state, how many jobs')
    .addHelpText(
      'after',
      `
Prints a line for each queue that a pool of this daemon serves, as the broker
counts now; "status" tells the same as last known, and so never waits. OLDEST is
how long the oldest ready job has waited. -o wide adds counts since the queue
began.

Examples:
  supervisor queue list
  supervisor queue list -o ndjson | jq -r 'select(.dead > 0).name'
`,
    )
    .action(bind(list));
  queue
    .command('show')
    .description('one queue, with all that was counted since it began')
    .argument('<queue>', 'its name')
    .addHelpText(
      'after',
      `
Prints a line for each fact about it.

Examples:
  supervisor queue show eta
  supervisor queue show eta -o json | jq .counters.completed
`,
    )
    .action(bind(show));
}

function addPausing(queue: Command, bind: Bind): void {
  queue
    .command('pause')
    .description('let nothing more of it be started, by any daemon')
    .argument('<queue>', 'its name')
    .addHelpText(
      'after',
      `
Holds for every daemon that shares the broker, and over restarts, until it is
resumed. Jobs can be enqueued and wait; those that run go on.

Examples:
  supervisor queue pause eta
  supervisor queue list          IN FLIGHT falls to 0
  supervisor queue resume eta
`,
    )
    .action(bind((context, name: string) => setPaused(context, name, 'queue_pause')));
  queue
    .command('resume')
    .description('start its jobs again')
    .argument('<queue>', 'its name')
    .addHelpText(
      'after',
      `
Jobs that came due while it was paused are ready at once.

Examples:
  supervisor queue resume eta
  supervisor queue resume eta -o json | jq .changed
`,
    )
    .action(bind((context, name: string) => setPaused(context, name, 'queue_resume')));
}

async function list(context: CommandContext): Promise<number> {
  const report = await callDaemon(await context.controlSocket(), 'queues', {}, callOptions(context));
  const { queues } = report;
  await context.output.report(report, () => queueTable(queues, viewOptions(context)), queues);
  return EXIT.done;
}

async function show(context: CommandContext, name: string): Promise<number> {
  const report = await callDaemon(await context.controlSocket(), 'queue', { name }, callOptions(context));
  await context.output.report(report, () => queueView(report, viewOptions(context)));
  return EXIT.done;
}

async function setPaused(
  context: CommandContext,
  name: string,
  command: 'queue_pause' | 'queue_resume',
): Promise<number> {
  const report = await callDaemon(await context.controlSocket(), command, { name }, callOptions(context));
  const { paused, changed } = report;
  const state = paused ? 'paused: nothing more of it is started' : 'open: its jobs are started';
  await context.output.report(
    report,
    () => `queue ${cleanText(name)} is ${changed ? 'now' : 'still'} ${state}`,
  );
  return EXIT.done;
}

const callOptions = ({ clock, timeoutMs }: CommandContext) => ({
  timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS,
  clock,
});

function viewOptions({ output, clock }: CommandContext): QueueViewOptions {
  return { colors: output.colors, width: output.width, now: clock.now(), wide: output.format === 'wide' };
}
