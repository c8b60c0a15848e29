import { availableParallelism } from 'node:os';
import { type Arrival, CPU_SHARE, makeLoad, ratesFor, workersFor } from './load.ts';
import type { DemoOptions } from './options.ts';
import { calibrate, generatedTraces, TRACES, tracesOfFile } from './traces.ts';

/** How long the stand-in services think. */
export const DELAY_MS = { shortest: 50, longest: 200 };
/** How long jobs arrive, and what a CPU job shall take. */
const SIZES = { full: { seconds: 12, jobMs: 70 }, quick: { seconds: 1, jobMs: 40 } };

export interface Plan {
  /** Of a process pool. */
  readonly workers: number;
  readonly load: readonly Arrival[];
  /** For people: what the load is. */
  readonly description: readonly string[];
}

/** Sizes the load for this machine, so that a job costs about the same on any. */
export async function makePlan({ quick, seed, data }: DemoOptions): Promise<Plan> {
  const { seconds, jobMs: targetMs } = SIZES[quick ? 'quick' : 'full'];
  const source = data === null ? generatedTraces(seed) : await tracesOfFile(data);
  const { points, jobMs } = calibrate(source, targetMs);
  const workers = workersFor(availableParallelism());
  const traces = Array.from({ length: TRACES }, (_, i) => source(i, points));
  const load = makeLoad({ seed, seconds, rates: ratesFor(workers, jobMs), traces });
  const count = (kind: Arrival['kind']) => load.filter((arrival) => arrival.kind === kind).length;
  return {
    workers,
    load,
    description: [
      `${count('cpu')} CPU jobs, ${count('io')} I/O jobs and ${count('upkeep')} maintenance jobs arrive within ${seconds} s.`,
      `A CPU job filters ${points} ${data === null ? 'generated' : 'real'} fixes, which costs ${Math.round(jobMs)} ms here (timed just now): all together ${Math.round(100 * CPU_SHARE)} % of what ${cores(workers)} can do in that time.`,
      `An I/O job waits for two services at once, ${DELAY_MS.shortest} to ${DELAY_MS.longest} ms each.`,
      `The process pool has ${workers === 1 ? 'one worker' : `${workers} workers`}, the async pool 200 slots on one event loop.`,
    ],
  };
}

const cores = (count: number): string => (count === 1 ? 'one core' : `${count} cores`);
