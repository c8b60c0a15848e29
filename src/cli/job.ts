import { type Command, Option } from 'commander';
import type { JobState } from '../broker/messages/operator.ts';
import { callDaemon } from '../control/client.ts';
import { JOBS_LIMIT, type JobsReport } from '../control/messages/jobs.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext, usageError } from './context.ts';
import { EXIT } from './exit.ts';
import { addJobBulk } from './job-bulk.ts';
import { jobIdOf } from './job-id.ts';
import { type JobViewOptions, jobTable, jobView } from './job-view.ts';
import { addJobWait } from './job-wait.ts';
import { formatCount } from './status-view.ts';
import { checkedWhere, WHERE_HELP } from './where.ts';

const STATES = ['ready', 'delayed', 'in_flight', 'dead'] satisfies JobState[];
const DEFAULT_LIMIT = '50';

export function addJob(program: Command, bind: Bind): void {
  const job = program
    .command('job')
    .description('look at jobs, wait for them, retry, delete them')
    .addHelpText(
      'after',
      `
Examples:
  supervisor job list --state dead
  supervisor job show 0198c0de-7a1b-7cc0-8000-0242ac120002
`,
    );
  job
    .command('show')
    .description('one job: state, attempts, last error, kept result')
    .argument('<id>', 'as enqueue printed it')
    .option('--input', 'with its input')
    .addHelpText(
      'after',
      `
Prints a line for each fact about it. A job that ended is found as long as its
result is kept, a dead one as long as keep.dead and keep.dead_for say.

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
    .option('--where <terms>', "only those that fit, as in 'task=eta.* age<1h'")
    .option('--limit <count>', 'at most so many', DEFAULT_LIMIT)
    .addHelpText(
      'after',
      `
Prints a line for each job, the oldest first, dead ones the latest first;
-o wide tells more of each.
${WHERE_HELP}

Examples:
  supervisor job list
  supervisor job list --where 'state=dead task=eta.* error="*rate limit*"'
  supervisor job list --state dead --queue geo -o ndjson | jq .error.message
`,
    )
    .action(bind(list));
  addJobWait(job, bind);
  addJobBulk(job, bind);
}

async function show(context: CommandContext, id: string, flags: { input?: boolean }): Promise<number> {
  const request = { id: jobIdOf(id), input: flags.input === true };
  const socket = await context.controlSocket();
  const report = await callDaemon(socket, 'job', request, callOptions(context));
  await context.output.report(report, () => jobView(report, viewOptions(context)));
  return EXIT.done;
}

interface ListFlags {
  readonly state?: JobState;
  readonly queue?: string;
  readonly where?: string;
  readonly limit: string;
}

async function list(context: CommandContext, { state, queue, where, limit }: ListFlags): Promise<number> {
  const request = {
    state,
    queue,
    where: where === undefined ? undefined : await checkedWhere(where),
    limit: limitOf(limit),
  };
  const socket = await context.controlSocket();
  const report = await callDaemon(socket, 'jobs', request, callOptions(context));
  const { output } = context;
  const { jobs } = report;
  if (jobs.length === 0) output.message('no such jobs');
  if (jobs.length > 0 || !output.forPeople)
    await output.report(report, () => jobTable(jobs, viewOptions(context)), jobs);
  for (const remark of remarks(report)) output.message(remark);
  return EXIT.done;
}

/** What the list does not show. */
function remarks({ jobs, more, scanned, stored }: JobsReport): string[] {
  if (more) return [`there are more than these ${formatCount(jobs.length)}: raise --limit`];
  if (scanned >= stored) return [];
  return [
    `scanned ${formatCount(scanned)} of ${formatCount(stored)} jobs: others may fit too; name state= or queue= to scan fewer`,
  ];
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
