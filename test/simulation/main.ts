/** `npm run simulate -- --seeds 200 --first 1`: ends with one line, and with 1 if anything was violated. */

import { availableParallelism } from 'node:os';
import { brokerOf, countOf, readOptions } from '../support/command-line.ts';
import type { Told } from './hand.ts';
import { sideBySide } from './hands.ts';
import { redisForSimulation } from './redis-for-simulation.ts';
import { simulate } from './simulate.ts';
import { StoreDisk } from './store-disk.ts';

const USAGE = `Usage: npm run simulate -- [options]

Runs the real scripts or the embedded store on a virtual clock, everything around them simulated
from a seed: lost requests, crashes, pauses, clock jumps. Oracles look on. 1 if one objects.

  --seeds N    how many (100)
  --first S    the first of them (1)
  --broker B   redis or embedded (redis)
  --jobs N     beside each other (the number of cores)
  --trace      one after the other, telling each step: to look into a seed that failed
`;

const values = readOptions(USAGE, {
  seeds: { type: 'string', default: '100' },
  first: { type: 'string', default: '1' },
  broker: { type: 'string', default: 'redis' },
  jobs: { type: 'string', default: String(availableParallelism()) },
  trace: { type: 'boolean', default: false },
});
const seeds = countOf(values, 'seeds');
const first = countOf(values, 'first');
const jobs = countOf(values, 'jobs');

// What is mounted, copied or running ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const sum = { done: 0, operations: 0, reclaims: 0, overlaps: 0, violations: 0 };
const broker = brokerOf(values.broker);
if (values.trace) await trace();
else {
  const type = 'seed' as const;
  const tasks = Array.from({ length: seeds }, (_, index) => ({ type, broker, seed: first + index }));
  await sideBySide(tasks, jobs, (_task, told) => count(told));
}
progress(null);
const { operations, reclaims, overlaps, violations } = sum;
console.log(
  `${seeds} seeds, ${operations} operations, ${reclaims} reclaims, ${overlaps} overlaps, ${violations} violations`,
);
process.exitCode = violations > 0 ? 1 : 0;

/** One after the other, in this process, telling everything. */
async function trace(): Promise<void> {
  const redis = broker === 'redis' ? await redisForSimulation() : null;
  const disk = redis === null ? new StoreDisk() : null;
  try {
    for (let seed = first; seed < first + seeds; seed++) {
      const on = (redis?.socket ?? disk) as string | StoreDisk;
      const { violation, ...rest } = await simulate({ seed, on, onNote: (line) => console.log(line) });
      count({ ...rest, violation: violation?.message ?? null });
    }
  } finally {
    await redis?.server.stop();
    disk?.[Symbol.dispose]();
  }
}

function count({ seed, violation, operations, reclaims, overlaps }: Told): void {
  sum.done += 1;
  sum.operations += operations;
  sum.reclaims += reclaims;
  sum.overlaps += overlaps;
  progress(seed);
  if (violation === null) return;
  sum.violations += 1;
  progress(null);
  console.log(`seed ${seed}: ${violation}`);
  if (!values.trace)
    console.log(`  replay it: npm run simulate -- --broker ${broker} --first ${seed} --seeds 1 --trace`);
}

/** On a terminal; a log has the last line only. */
function progress(seed: number | null): void {
  if (!process.stderr.isTTY) return;
  const text = seed === null ? '' : `${sum.done} of ${seeds} seeds, ${sum.operations} operations`;
  process.stderr.write(`\r\x1b[K${text}`);
}
