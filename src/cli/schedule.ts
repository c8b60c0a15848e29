import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import { TICKS_LIMIT } from '../control/messages/schedules.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext, usageError } from './context.ts';
import { EXIT } from './exit.ts';
import { type ScheduleViewOptions, scheduleTable, scheduleView } from './schedule-view.ts';

const DEFAULT_NEXT = '5';

export function addSchedule(program: Command, bind: Bind): void {
  const schedule = program
    .command('schedule')
    .description('look at periodic jobs, run one now')
    .addHelpText(
      'after',
      `
Examples:
  supervisor schedule list
  supervisor schedule run rebuild_index
`,
    );
  schedule
    .command('list')
    .description('every schedule: when it comes next, where it stands')
    .addHelpText(
      'after',
      `
NEXT counts the jitter in. LAST is the last tick that any daemon fired, or the
time from which on ticks are fired. -o wide shows the queue too.

Examples:
  supervisor schedule list
  supervisor schedule list -o ndjson | jq '[.name, .next[0].due_at]'
`,
    )
    .action(bind(list));
  schedule
    .command('show')
    .description('one schedule with its next ticks')
    .argument('<name>', 'as in the configuration')
    .option('--next <count>', 'how many ticks to come', DEFAULT_NEXT)
    .addHelpText(
      'after',
      `
Prints a line for each fact about it, its last tick, and those to come.

Examples:
  supervisor schedule show rebuild_index
  supervisor schedule show rebuild_index --next 20 -o ndjson
`,
    )
    .action(bind(show));
  schedule
    .command('run')
    .description('enqueue its job now; its ticks come as they would')
    .argument('<name>', 'as in the configuration')
    .addHelpText(
      'after',
      `
Prints the id of the job. With overlap: skip, a job of the schedule that still
waits or runs is answered instead, and nothing is enqueued.

Examples:
  supervisor schedule run rebuild_index
  supervisor job show "$(supervisor schedule run rebuild_index)"
`,
    )
    .action(bind(run));
}

async function list(context: CommandContext): Promise<number> {
  const { output } = context;
  const report = await callDaemon(
    await context.controlSocket(),
    'schedules',
    { next: 1 },
    callOptions(context),
  );
  const { schedules } = report;
  if (schedules.length === 0) output.message('the configuration has no schedules');
  if (schedules.length > 0 || (output.format !== 'table' && output.format !== 'wide')) {
    await output.report(report, () => scheduleTable(schedules, viewOptions(context)), schedules);
  }
  return EXIT.done;
}

async function show(context: CommandContext, name: string, flags: { next: string }): Promise<number> {
  const next = countOf(flags.next);
  const socket = await context.controlSocket();
  const report = await callDaemon(socket, 'schedule', { name, next }, callOptions(context));
  await context.output.report(report, () => scheduleView(report, viewOptions(context)));
  return EXIT.done;
}

async function run(context: CommandContext, name: string): Promise<number> {
  const { output } = context;
  const socket = await context.controlSocket();
  const report = await callDaemon(socket, 'schedule_run', { name }, callOptions(context));
  await output.report(report, () => report.id);
  if (report.existing) output.message('its job still waits or runs: nothing was enqueued');
  return EXIT.done;
}

function countOf(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count <= TICKS_LIMIT) return count;
  throw usageError(`--next: ${JSON.stringify(text)} is not a whole number from 0 to ${TICKS_LIMIT}`);
}

const callOptions = ({ clock, timeoutMs }: CommandContext) => ({
  timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS,
  clock,
});

function viewOptions({ output, clock }: CommandContext): ScheduleViewOptions {
  return { colors: output.colors, width: output.width, now: clock.now(), wide: output.format === 'wide' };
}
