import type { Client, EnqueueOptions } from 'forkloop';
import type { Arrival } from './load.ts';
import type { Mode } from './modes.ts';
import type { Completion, Run } from './statistics.ts';

/** Time limits of single attempts are lifted: an overloaded pool shall be late, not fail. */
const OPTIONS: EnqueueOptions = { result: '5m', timeout: '5m', retry: { attempts: 1 } };
/** Later than this a run has failed. */
const LONGEST = '3m';
/** From here to the first arrival, so that the first timers are not late. */
const LEAD_MS = 100;
const JOBS_TO_WARM = 4;

/**
 * Enqueues each job at its planned time, whatever became of the earlier ones, and notes when its result is there. Times
 * count from the plan, so an enqueue that is late makes its job late.
 */
export async function runLoad(
  client: Client,
  mode: Mode,
  load: readonly Arrival[],
  onDone: () => void,
): Promise<Run> {
  const completions: Completion[] = [];
  const failures: string[] = [];
  const start = performance.now() + LEAD_MS;
  await Promise.all(
    load.map(async ({ kind, task, at, input }) => {
      await until(start + at);
      try {
        const handle = await client.enqueue(task, input, OPTIONS);
        await handle.result({ timeout: LONGEST });
        completions.push({ kind, plannedAt: at, doneAt: performance.now() - start });
        onDone();
      } catch (error) {
        failures.push(`${mode.label}: ${task}: ${(error as Error).message}`);
      }
    }),
  );
  return { mode: mode.name, label: mode.label, completions, failures };
}

/** Lets every worker compile its hot code, so that the first jobs of a run are not slower than the others. */
export async function warmUp(client: Client, load: readonly Arrival[], workers: number): Promise<void> {
  const traces = load.filter(({ kind }) => kind === 'cpu').slice(0, JOBS_TO_WARM * workers);
  const handles = await Promise.all(traces.map(({ task, input }) => client.enqueue(task, input, OPTIONS)));
  await Promise.all(handles.map((handle) => handle.result({ timeout: LONGEST })));
}

const until = (time: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, time - performance.now())));
