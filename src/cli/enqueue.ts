import type { Command } from 'commander';
import type { EnqueueOptions, JobHandle } from '../client/client.ts';
import type { Duration } from '../lib/units.ts';
import { type Bind, type CommandContext, durationOf, usageError } from './context.ts';
import { endingOf } from './ending.ts';
import { enqueueEach } from './enqueue-each.ts';
import { type EnqueueRequest, openClient } from './enqueue-request.ts';
import { parseJson, readValue, sourceOf } from './enqueue-source.ts';
import { EXIT } from './exit.ts';
import { RecordStream } from './record-stream.ts';
import { findTask } from './task-modules.ts';

export function addEnqueue(program: Command, bind: Bind): void {
  program
    .command('enqueue')
    .description('hand over a job, or one job for each line of a file')
    .argument('<task>', 'name of the task')
    .argument('[input]', 'JSON, @FILE or - for standard input; none is null')
    .option('--each', 'the input is NDJSON: one job per line')
    .option('--wait', 'wait for the end and print how it was; keeps the result')
    .option('--result <duration>', 'keep its result so long, for "job wait"')
    .option('--queue <queue>', 'instead of the queue that routes or the task give')
    .option('--delay <duration>', 'not before so long from now')
    .option('--expires <duration>', 'not started any more after')
    .option('--priority <0-9>', '0 is first')
    .option('--unique <key>', 'while a job with this key lives, answer that one')
    .option('--attempts <count>', 'attempts in all; three crashes end it anyway')
    .addHelpText('after', HELP)
    .action(bind(enqueue));
}

const HELP = `
The input is checked before anything is stored. Prints the job's id; with --wait
one line of JSON when the job has ended:
  {"id":"…","status":"completed","result":…}
  {"id":"…","status":"dead|cancelled|expired",
   "error":{"name":…,"message":…,"code":…}}    code only where it has one
With --each it prints one such line per line of input, in the same order. A bad
line ends the run: those before it are enqueued, none after it is. What has not
ended within --timeout is printed with the status "pending" and goes on.

Examples:
  supervisor enqueue maintenance.purge
  supervisor enqueue location.filter '{"device":"a","points":[]}' --wait
  supervisor enqueue location.filter @trip.json --priority 0
  supervisor enqueue location.filter --each - --wait < trips.ndjson > out.ndjson
`;

/** How long one job is waited for beyond which the broker counts as away. */
const ENQUEUE_TIMEOUT: Duration = '5s';
interface EnqueueFlags {
  readonly each?: boolean;
  readonly wait?: boolean;
  readonly result?: string;
  readonly queue?: string;
  readonly delay?: string;
  readonly expires?: string;
  readonly priority?: string;
  readonly unique?: string;
  readonly attempts?: string;
}

async function enqueue(
  context: CommandContext,
  name: string,
  input: string | undefined,
  flags: EnqueueFlags,
): Promise<number> {
  const options = enqueueOptionsOf(flags);
  const source = input === undefined ? null : await sourceOf(input, context);
  if (flags.each === true && source === null)
    throw usageError('--each reads lines: name @FILE or - as the input');
  if (flags.each === true && flags.unique !== undefined) {
    throw usageError('--each with --unique would store the first line only');
  }
  if (input === '-' && context.stdin.isTTY === true)
    context.output.message('reading standard input; Ctrl-D ends it');
  const config = await context.loadConfig();
  const task = await findTask(config, name, context);
  const request: EnqueueRequest = { task, options, wait: flags.wait === true, config };
  if (flags.each === true && source !== null) return enqueueEach(context, request, source);
  const maxBytes = 2 * config.config.defaults.max_payload;
  const value =
    input === undefined
      ? null
      : source === null
        ? parseJson(input, 'input')
        : await readValue(source, maxBytes);
  return enqueueOne(context, request, value);
}

async function enqueueOne(context: CommandContext, request: EnqueueRequest, value: unknown): Promise<number> {
  const client = await openClient(request.config, ENQUEUE_TIMEOUT);
  try {
    const handle: JobHandle = await client.enqueue(request.task, value, request.options);
    if (handle.existing)
      context.output.message(
        `the key ${JSON.stringify(request.options.unique)} is held by a living job: this one`,
      );
    return request.wait ? await printEnd(context, handle) : await printId(context, handle);
  } finally {
    await client.close();
  }
}

async function printId({ output }: CommandContext, { id, queue, existing }: JobHandle): Promise<number> {
  await output.report({ schema: 'forkloop.enqueued/1', id, queue, existing }, () => id);
  return EXIT.done;
}

async function printEnd({ output, timeoutMs }: CommandContext, handle: JobHandle): Promise<number> {
  const ending = await endingOf(handle, timeoutMs === null ? {} : { timeout: `${timeoutMs}ms` });
  const record = { id: handle.id, ...ending };
  if (output.format === 'json') await output.report(record, () => '');
  else {
    const records = new RecordStream(output);
    await records.write(record);
    await records.flush();
  }
  if (ending.status === 'pending') {
    output.error(`job ${handle.id} has not ended within --timeout; it goes on`);
    return EXIT.timeout;
  }
  return ending.status === 'completed' ? EXIT.done : EXIT.jobEnded;
}

/** @throws ForkloopError ERR_USAGE */
export function enqueueOptionsOf(flags: EnqueueFlags): EnqueueOptions {
  const duration = (flag: string, text: string | undefined) =>
    text === undefined ? undefined : (`${durationOf(flag, text)}ms` as Duration);
  const delay = duration('--delay', flags.delay);
  const expires = duration('--expires', flags.expires);
  const result = duration('--result', flags.result);
  return {
    ...(flags.queue === undefined ? {} : { queue: flags.queue }),
    ...(delay === undefined ? {} : { delay }),
    ...(expires === undefined ? {} : { expires }),
    ...(flags.priority === undefined ? {} : { priority: wholeOf('--priority', flags.priority, 0, 9) }),
    ...(flags.unique === undefined ? {} : { unique: flags.unique }),
    ...(flags.attempts === undefined
      ? {}
      : { retry: { attempts: wholeOf('--attempts', flags.attempts, 1, 999) } }),
    ...(result === undefined ? (flags.wait === true ? { result: true } : {}) : { result }),
  };
}

function wholeOf(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw usageError(`${flag}: ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
}
