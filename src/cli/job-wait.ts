import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import type { JobReport } from '../control/messages/jobs.ts';
import { type ToldError, toldError } from '../lib/errors.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import type { Ending } from './ending.ts';
import { codeOf, EXIT } from './exit.ts';
import { jobIdOf } from './job-id.ts';
import { RecordStream } from './record-stream.ts';

export function addJobWait(job: Command, bind: Bind): void {
  job
    .command('wait')
    .description('wait until jobs have ended, and print how each did')
    .argument('<id...>', 'as enqueue printed them')
    .addHelpText(
      'after',
      `
A line of JSON for each job, when it has ended:
  {"id":"…","status":"completed","result":…}
  {"id":"…","status":"dead|cancelled|expired",
   "error":{"name":…,"message":…,"code":…}}    code only where it has one
  {"id":"…","status":"ended"}     not stored, and no result is kept: completed,
                                  expired or deleted, or no id of this broker
  {"id":"…","status":"pending"}   had not ended at --timeout; it goes on

Exit codes: 0 all completed; 6 one is pending; 5 one is dead, cancelled or
expired; 1 the end of one is not known. To know it, enqueue with --result or set
keep: { results } for the queue; dead jobs are found without.

Examples:
  id=$(supervisor enqueue eta.fetch @trip.json --result 10m)
  supervisor job wait "$id" --timeout 30s
  supervisor job list --where 'task=eta.*' -o ndjson | jq -r .id |
    xargs supervisor job wait
`,
    )
    .action(bind(wait));
}

/** `ended`: it is not stored, and no kept result tells how it ended. */
type Seen = Ending | { readonly status: 'ended' };

async function wait(context: CommandContext, texts: readonly string[]): Promise<number> {
  const ids = [...new Set(texts.map(jobIdOf))];
  const watch = new Watch(await context.controlSocket(), context);
  const records = new RecordStream(context.output);
  const statuses = new Set<Seen['status']>();
  await records.during(() =>
    watch.until(ids, async (id, seen) => {
      statuses.add(seen.status);
      await records.write({ id, ...seen });
      await records.flush();
    }),
  );
  return conclude(statuses, context);
}

function conclude(statuses: ReadonlySet<Seen['status']>, { output }: CommandContext): number {
  if (statuses.has('ended'))
    output.error(
      'of some jobs the end is not known, only that they are neither stored nor dead: keep results, with enqueue --result or keep: { results }',
    );
  if (statuses.has('pending')) {
    output.error('not all jobs have ended within --timeout; they go on');
    return EXIT.timeout;
  }
  if (['dead', 'cancelled', 'expired'].some((status) => statuses.has(status as Seen['status'])))
    return EXIT.jobEnded;
  return statuses.has('ended') ? EXIT.failed : EXIT.done;
}

const SHORTEST_PAUSE_MS = 20;
/** A look costs the broker a search: one that is waited for long is looked for less often. */
const LONGEST_PAUSE_MS = 1_000;
/** How long a daemon or broker that has answered before may be away: it may be restarted. */
const PATIENCE_MS = 30_000;

/** Looks at jobs again and again until each has ended. */
class Watch {
  readonly #socket: string;
  readonly #context: CommandContext;
  #answeredAt: number | null = null;

  constructor(socket: string, context: CommandContext) {
    this.#socket = socket;
    this.#context = context;
  }

  /** `tell` is called once for each id, in the order of their ends; at `--timeout` with `pending` for those that are left. */
  async until(ids: readonly string[], tell: (id: string, seen: Seen) => Promise<void>): Promise<void> {
    const { clock, timeoutMs } = this.#context;
    const began = clock.monotonic();
    const left = () =>
      timeoutMs === null ? Number.POSITIVE_INFINITY : began + timeoutMs - clock.monotonic();
    const waiting = new Set(ids);
    for (let pause = SHORTEST_PAUSE_MS; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5)) {
      for (const id of [...waiting]) {
        const seen = await this.#look(id);
        if (seen.status === 'pending') continue;
        waiting.delete(id);
        await tell(id, seen);
      }
      if (waiting.size === 0) return;
      if (left() <= 0) break;
      await clock.sleep(Math.min(pause, left()));
    }
    for (const id of waiting) await tell(id, { status: 'pending' });
  }

  async #look(id: string): Promise<Seen> {
    const { clock } = this.#context;
    try {
      const options = { timeoutMs: CALL_TIMEOUT_MS, clock };
      const report = await callDaemon(this.#socket, 'job', { id, input: false }, options);
      this.#answeredAt = clock.monotonic();
      return seenIn(report);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ERR_JOB_UNKNOWN') return { status: 'ended' };
      const away =
        code === 'ERR_NOT_RUNNING' || code === 'ERR_NO_ANSWER' || code === 'ERR_BROKER_UNAVAILABLE';
      if (away && this.#answeredAt !== null && clock.monotonic() - this.#answeredAt < PATIENCE_MS)
        return { status: 'pending' };
      throw error;
    }
  }
}

function seenIn(report: JobReport): Seen {
  switch (report.state) {
    case 'completed':
      return { status: 'completed', result: 'result' in report ? (report.result ?? null) : null };
    case 'dead':
    case 'cancelled':
    case 'expired':
      return { status: report.state, error: errorOf(report) };
    case 'ready':
    case 'delayed':
    case 'in_flight':
      return { status: 'pending' };
  }
}

const errorOf = ({ error }: JobReport): ToldError =>
  toldError(error ?? { name: 'Error', message: 'it has told no error' });
