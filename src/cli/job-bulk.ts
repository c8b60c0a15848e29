/** What is done to jobs named by their ids, or to all that fit `--where`. */

import type { Command } from 'commander';
import type { JobState } from '../broker/messages/operator.ts';
import { callDaemon } from '../control/client.ts';
import { JOBS_LIMIT, type JobOperation, type StoredJobReport } from '../control/messages/jobs.ts';
import { addBulkOptions, type BulkFlags, confirm } from './confirm.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext, usageError } from './context.ts';
import { codeOf, EXIT } from './exit.ts';
import { jobIdOf } from './job-id.ts';
import { jobTable } from './job-view.ts';
import { RecordStream } from './record-stream.ts';
import { formatCount } from './status-view.ts';
import { checkedWhere } from './where.ts';

interface Verb {
  readonly name: 'retry' | 'delete';
  readonly command: 'job_retry' | 'job_delete';
  readonly done: string;
  /** Jobs of other states are left alone by `--where`. */
  readonly states: readonly JobState[];
}

const RETRY: Verb = { name: 'retry', command: 'job_retry', done: 'retried', states: ['delayed', 'dead'] };
const DELETE: Verb = {
  name: 'delete',
  command: 'job_delete',
  done: 'deleted',
  states: ['ready', 'delayed', 'dead'],
};

export function addJobBulk(job: Command, bind: Bind): void {
  addVerb(job, bind, RETRY, 'run dead jobs again, delayed ones now').addHelpText(
    'after',
    `
A dead job starts anew, with nothing counted against it. --where leaves ready
and running jobs alone; "job list --help" tells its terms.
${OUTPUT_HELP}

Examples:
  supervisor job retry 0198c0de-7a1b-7cc0-8000-0242ac120002
  supervisor job retry --where 'state=dead task=eta.* dead_for<1h' --dry-run
`,
  );
  addVerb(job, bind, DELETE, 'remove jobs that do not run').addHelpText(
    'after',
    `
What is removed is gone, its input too. --where leaves running jobs alone;
"job list --help" tells its terms.
${OUTPUT_HELP}

Examples:
  supervisor job delete 0198c0de-7a1b-7cc0-8000-0242ac120002
  supervisor job delete --where 'state=dead dead_for>7d' --yes
`,
  );
}

const OUTPUT_HELP = `Prints the id of each job that was done. What is refused, such as a job that
runs by now, is told; then the exit code is 1.`;

function addVerb(job: Command, bind: Bind, verb: Verb, description: string): Command {
  const command = job
    .command(verb.name)
    .description(description)
    .argument('[id...]', 'as enqueue printed them')
    .option('--where <terms>', 'all that fit, at most 10,000 at once');
  return addBulkOptions(command).action(
    bind((context, ids: readonly string[], flags: WhereFlags) => operate(context, verb, ids, flags)),
  );
}

interface WhereFlags extends BulkFlags {
  readonly where?: string;
}

async function operate(
  context: CommandContext,
  verb: Verb,
  ids: readonly string[],
  flags: WhereFlags,
): Promise<number> {
  const { output, clock } = context;
  if ((flags.where === undefined) === (ids.length === 0))
    throw usageError('name jobs by their ids, or by --where');
  if (flags.where === undefined) {
    const jobs = [...new Set(ids.map(jobIdOf))].map((id) => ({ id }));
    if (flags.dryRun === true)
      throw usageError('--dry-run tells what --where finds: "job show" tells of an id');
    return carryOut(context, verb, jobs);
  }
  const found = await find(context, verb, await checkedWhere(flags.where));
  const what = `${verb.name} ${count(found.length)}`;
  if (found.length === 0) {
    output.message('no such jobs');
    return EXIT.done;
  }
  if (flags.dryRun === true) {
    const { colors, width, format } = output;
    const view = { colors, width, now: clock.now(), wide: format === 'wide' };
    const report = { schema: `forkloop.job-${verb.name}-plan/1`, jobs: found };
    await output.report(report, () => jobTable(found, view), found);
    output.message(`would ${what}`);
    return EXIT.done;
  }
  const refusal = await confirm(context, what, flags);
  return refusal ?? carryOut(context, verb, found);
}

async function find(context: CommandContext, verb: Verb, where: string): Promise<StoredJobReport[]> {
  const request = { where: `${where} state=${verb.states.join(',')}`, limit: JOBS_LIMIT };
  const report = await callDaemon(await context.controlSocket(), 'jobs', request, callOptions(context));
  const { jobs, more, scanned, stored } = report;
  if (more)
    context.output.message(`more jobs fit than these ${formatCount(jobs.length)}: repeat it for the rest`);
  else if (scanned < stored)
    context.output.message(
      `scanned ${formatCount(scanned)} of ${formatCount(stored)} jobs: others may fit too; repeat it for the rest`,
    );
  return [...jobs];
}

/** Each by itself: what has changed since it was found is left alone. */
async function carryOut(
  context: CommandContext,
  verb: Verb,
  jobs: readonly (JobOperation | StoredJobReport)[],
): Promise<number> {
  const { output } = context;
  const socket = await context.controlSocket();
  const records = new RecordStream(output);
  let refused = 0;
  await records.during(async () => {
    for (const { id, queue, claims } of jobs) {
      const why = await attempt(() =>
        callDaemon(socket, verb.command, { id, queue, claims }, callOptions(context)),
      );
      if (why === null) await records.write({ id, outcome: verb.done }, id);
      else {
        refused += 1;
        if (output.forPeople) output.error(why.message);
        else await records.write({ id, outcome: 'refused', error: why });
      }
    }
  });
  if (jobs.length > 1)
    output.message(
      `${count(jobs.length - refused)} ${verb.done}${refused === 0 ? '' : `, ${formatCount(refused)} refused`}`,
    );
  return refused === 0 ? EXIT.done : EXIT.failed;
}

/** Refusals that are about this one job; anything else would meet the next one too. */
const OF_ONE_JOB: readonly (string | undefined)[] = [
  'ERR_JOB_UNKNOWN',
  'ERR_JOB_IN_FLIGHT',
  'ERR_JOB_CHANGED',
  'ERR_JOB_EXPIRED',
  'ERR_KEY_HELD',
];

async function attempt(call: () => Promise<unknown>): Promise<{ code: string; message: string } | null> {
  try {
    await call();
    return null;
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined || !OF_ONE_JOB.includes(code)) throw error;
    return { code, message: (error as Error).message };
  }
}

const count = (jobs: number): string => `${formatCount(jobs)} job${jobs === 1 ? '' : 's'}`;

const callOptions = ({ clock, timeoutMs }: CommandContext) => ({
  timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS,
  clock,
});
