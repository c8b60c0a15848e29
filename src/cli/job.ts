import { type Command, Option } from 'commander';
import type { JobState } from '../broker/broker.ts';
import { callDaemon } from '../control/client.ts';
import { JOBS_LIMIT } from '../control/protocol.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext, usageError } from './context.ts';
import { EXIT } from './exit.ts';
import { type JobViewOptions, jobTable, jobView } from './job-view.ts';

const STATES = ['ready', 'delayed', 'in_flight', 'dead'] satisfies JobState[];
const DEFAULT_LIMIT = '50';

export function addJob(program: Command, bind: Bind): void {
  const job = program.command('job').description('look at single jobs');
  job
    .command('show')
    .description('one job: state, attempts, last error, result if it is kept')
    .argument('<id>', 'as enqueue printed it')
    .option('--input', 'with its input')
    .addHelpText(
      'after',
      `
A job that ended is found as long as its result is kept.

Examples:
  supervisor job show 0198c0de-7a1b-7cc0-8000-0242ac120002
  supervisor job show 0198c0de-7a1b-7cc0-8000-0242ac120002 --input -o json
`,
    )
    .action(bind(show));
  job
    .command('list')
    .description('jobs that wait, run or are dead')
    .addOption(new Option('--state <state>', 'only these').choices(STATES))
    .option('--queue <queue>', 'only of this queue')
    .option('--limit <count>', 'at most so many', DEFAULT_LIMIT)
    .addHelpText(
      'after',
      `
The oldest first; dead ones the latest first. -o wide shows the queue too.

Examples:
  supervisor job list
  supervisor job list --state dead --queue geo -o ndjson | jq .error.message
`,
    )
    .action(bind(list));
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function show(context: CommandContext, id: string, flags: { input?: boolean }): Promise<number> {
  if (!UUID.test(id)) throw usageError(`${JSON.stringify(id)} is no job id: write it as enqueue printed it`);
  const socket = await context.controlSocket();
  const report = await callDaemon(
    socket,
    'job',
    { id: id.toLowerCase(), input: flags.input === true },
    callOptions(context),
  );
  await context.output.report(report, () => jobView(report, viewOptions(context)));
  return EXIT.done;
}

interface ListFlags {
  readonly state?: JobState;
  readonly queue?: string;
  readonly limit: string;
}

async function list(context: CommandContext, { state, queue, limit }: ListFlags): Promise<number> {
  const socket = await context.controlSocket();
  const report = await callDaemon(
    socket,
    'jobs',
    { state, queue, limit: limitOf(limit) },
    callOptions(context),
  );
  const { output } = context;
  const stored = report.jobs.filter((job) => 'task' in job);
  if (report.jobs.length === 0) output.message('no such jobs');
  if (report.jobs.length > 0 || (output.format !== 'table' && output.format !== 'wide')) {
    await output.report(report, () => jobTable(stored, viewOptions(context)), report.jobs);
  }
  if (report.more) output.message(`there are more than these ${report.jobs.length}: raise --limit`);
  return EXIT.done;
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= JOBS_LIMIT) return limit;
  throw usageError(`--limit: ${JSON.stringify(text)} is not a whole number from 1 to ${JOBS_LIMIT}`);
}

const callOptions = ({ clock, timeoutMs }: CommandContext) => ({
  timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS,
  clock,
});

function viewOptions({ output, clock }: CommandContext): JobViewOptions {
  return { colors: output.colors, width: output.width, now: clock.now(), wide: output.format === 'wide' };
}
