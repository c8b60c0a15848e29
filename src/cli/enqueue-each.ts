import type { Client, JobHandle } from '../client/client.ts';
import { encodeInput } from '../client/new-job.ts';
import { ForkloopError } from '../lib/errors.ts';
import { type Duration, formatDuration } from '../lib/units.ts';
import type { CommandContext } from './context.ts';
import type { Ending } from './ending.ts';
import { type EnqueueRequest, openClient } from './enqueue-request.ts';
import { type InputLine, type InputSource, parseJson, readLines } from './enqueue-source.ts';
import { EnqueueStream, type StreamTotals } from './enqueue-stream.ts';
import { codeOf, EXIT, exitCodeOf } from './exit.ts';
import type { StreamFailure } from './line-tally.ts';
import type { Output } from './output.ts';
import { type BarState, ProgressBar } from './progress-bar.ts';
import { RecordStream } from './record-stream.ts';
import { formatCount } from './status-view.ts';

/** The first job must be taken soon: of a daemon that does not run nobody wants to hear late. */
const FIRST_TIMEOUT: Duration = '5s';
/** All others may wait for a daemon that starts again in between. */
const PATIENT_TIMEOUT: Duration = '30s';

/** One job per line of the source; answers the exit code. */
export async function enqueueEach(
  context: CommandContext,
  request: EnqueueRequest,
  source: InputSource,
): Promise<number> {
  const { output, clock, timeoutMs } = context;
  const clients = new TwoClients(
    await openClient(request.config, FIRST_TIMEOUT),
    await openClient(request.config, PATIENT_TIMEOUT),
  );
  const records = new RecordStream(output);
  const bar = output.stderrIsTerminal && !output.quiet ? new ProgressBar(output.stderr, clock) : null;
  output.setOverlay(bar);
  const began = clock.monotonic();
  const maxBytes = request.config.config.defaults.max_payload;
  const stream: EnqueueStream = new EnqueueStream({
    lines: readLines(source, 2 * maxBytes),
    check: (line) => checkLine(line, request, maxBytes),
    enqueue: (input) => clients.enqueue(request, input),
    wait: request.wait,
    print: (handle, ending) => printRecord(records, handle, ending),
    flush: () => records.flush(),
    progress: () =>
      bar?.update(() => barState(stream.totals, source, clock.monotonic() - began, request.wait)),
  });
  const timer = timeoutMs === null ? null : clock.setTimer(timeoutMs, () => stream.giveUp());
  const totals = await stream.run();
  timer?.cancel();
  await records.end();
  output.setOverlay(null);
  // It waits for what is under way, beyond --timeout.
  if (!totals.gaveUp || totals.unsure === 0) await clients.close();
  return conclude(totals, { output, source, wait: request.wait, elapsedMs: clock.monotonic() - began });
}

async function checkLine(line: InputLine, { task }: EnqueueRequest, maxBytes: number): Promise<unknown> {
  const input = parseJson(line.text, 'the line');
  await encodeInput(task.name, task, input, maxBytes);
  return input;
}

const printRecord = (records: RecordStream, handle: JobHandle, ending: Ending | null): Promise<number> =>
  ending === null ? records.write({ id: handle.id }, handle.id) : records.write({ id: handle.id, ...ending });

/** The impatient client for the first job; the patient one for the rest, once the first is stored. */
class TwoClients {
  readonly #first: Client;
  readonly #rest: Client;
  #stored: Promise<JobHandle> | null = null;

  constructor(first: Client, rest: Client) {
    this.#first = first;
    this.#rest = rest;
  }

  async enqueue({ task, options }: EnqueueRequest, input: unknown): Promise<JobHandle> {
    if (this.#stored !== null) {
      await this.#stored.catch((error: unknown) => {
        throw notSent(error);
      });
      return this.#rest.enqueue(task, input, options);
    }
    this.#stored = this.#first.enqueue(task, input, options);
    return this.#stored;
  }

  async close(): Promise<void> {
    await Promise.all([this.#first.close(), this.#rest.close()]);
  }
}

/** Whatever became of the first, this one was certainly not stored. */
const notSent = (cause: unknown): ForkloopError =>
  new ForkloopError(codeOf(cause) ?? 'ERR_INTERNAL', 'the first job was not enqueued', { cause });

/** By the bytes of the input where they are known, by the lines once all are read, else only in words. */
export function barState(
  totals: StreamTotals,
  source: InputSource,
  elapsedMs: number,
  wait: boolean,
): BarState {
  const { enqueued, printed, printedBytes, notCompleted, allRead } = totals;
  const rate = elapsedMs < 1_000 ? '' : `  ${formatCount(Math.round(printed / (elapsedMs / 1_000)))}/s`;
  const bad = notCompleted === 0 ? '' : `  ${formatCount(notCompleted)} not completed`;
  const words = wait
    ? `${formatCount(printed)} of ${formatCount(enqueued)} done${bad}`
    : `${formatCount(printed)} enqueued`;
  const byLines = allRead && enqueued > 0 ? printed / enqueued : null;
  const fraction =
    source.totalBytes === null || source.totalBytes === 0 ? byLines : printedBytes / source.totalBytes;
  return { fraction, text: `${words}${rate}` };
}

interface Conclusion {
  readonly output: Output;
  readonly source: InputSource;
  readonly wait: boolean;
  readonly elapsedMs: number;
}

/** Says how it went and answers the exit code: a failure first, then what has not ended, then what did not complete. */
function conclude(totals: StreamTotals, { output, source, wait, elapsedMs }: Conclusion): number {
  const { enqueued, notCompleted, failure } = totals;
  const tail = notCompleted === 0 ? '' : `, ${formatCount(notCompleted)} not completed`;
  output.message(
    `${jobs(enqueued)} enqueued${wait ? ` and waited for${tail}` : ''} in ${formatDuration(elapsedMs)}`,
  );
  if (failure !== null) {
    output.error(failureText(failure, source, totals.unsure));
    output.detail((failure.error as Error).stack ?? '');
    return exitCodeOf(failure.error);
  }
  if (totals.gaveUp) {
    output.error(timeoutText(totals));
    return EXIT.timeout;
  }
  return notCompleted > 0 ? EXIT.jobEnded : EXIT.done;
}

const jobs = (count: number): string => `${formatCount(count)} job${count === 1 ? '' : 's'}`;
const areEnqueued = (count: number): string => `${count === 1 ? 'is' : 'are'} enqueued`;
const perhaps = (lines: number): string =>
  `${formatCount(lines)} line${lines === 1 ? ' is' : 's are'} perhaps enqueued: the broker has not answered`;

/** What has not ended, and what nobody knows of; else that something was left. */
export function timeoutText({ pending, unsure }: StreamTotals): string {
  const parts = [
    ...(pending === 0 ? [] : [`${jobs(pending)} had not ended at --timeout; they go on`]),
    ...(unsure === 0 ? [] : [`at --timeout ${perhaps(unsure)}`]),
  ];
  return parts.length === 0 ? 'not all lines were enqueued by --timeout' : parts.join('; ');
}

/** Names the line, and what became of the others: batches after the one that failed may have been stored. */
export function failureText(failure: StreamFailure, source: InputSource, unsure: number): string {
  const { line, error, enqueued } = failure;
  const message = error instanceof Error ? error.message : String(error);
  if (line === null) return message;
  const itself = enqueued ? 'its job is enqueued; ' : '';
  const maybe = unsure === 0 ? '' : `; ${perhaps(unsure)}`;
  return `${source.name}:${line}: ${message} (${itself}${othersText(failure, unsure > 0)}${maybe})`;
}

function othersText({ enqueuedBefore, enqueuedAfter }: StreamFailure, isUnsure: boolean): string {
  const [before, after] = [formatCount(enqueuedBefore), formatCount(enqueuedAfter)];
  if (enqueuedBefore > 0 && enqueuedAfter > 0)
    return `the ${before} before it and ${after} after it are enqueued`;
  if (enqueuedAfter > 0) return `nothing before it, but ${after} after it ${areEnqueued(enqueuedAfter)}`;
  const nothing = isUnsure ? '' : ', nothing after it';
  if (enqueuedBefore > 0) return `the ${before} before it ${areEnqueued(enqueuedBefore)}${nothing}`;
  return isUnsure ? 'nothing is enqueued for certain' : 'nothing was enqueued';
}
