/** `npm run simulate -- --seeds 200 --first 1`: ends with one line, and with 1 if anything was violated. */

import { parseArgs } from 'node:util';
import { redisForSimulation } from './redis-for-simulation.ts';
import { type Simulated, simulate } from './simulate.ts';
import { StoreDisk } from './store-disk.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
    broker: { type: 'string', default: 'redis' },
    trace: { type: 'boolean', default: false },
  },
});
const seeds = wholeNumber('seeds', values.seeds);
const first = wholeNumber('first', values.first);

// What is mounted, copied or running ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const sum = { operations: 0, reclaims: 0, overlaps: 0, violations: 0 };
const { broker } = values;
if (broker !== 'redis' && broker !== 'embedded')
  misuse(`--broker: ${JSON.stringify(broker)} is neither redis nor embedded`);
const redis = broker === 'redis' ? await redisForSimulation() : null;
const disk = redis === null ? new StoreDisk() : null;
const on = redis?.socket ?? disk;
try {
  for (let seed = first; seed < first + seeds; seed++) {
    const trace = values.trace ? { onNote: (line: string) => console.log(line) } : {};
    const simulated = await simulate({ seed, on: on as string | StoreDisk, ...trace });
    count(simulated);
    progress(seed);
  }
} finally {
  await redis?.server.stop();
  disk?.[Symbol.dispose]();
}
progress(null);
const { operations, reclaims, overlaps, violations } = sum;
console.log(
  `${seeds} seeds, ${operations} operations, ${reclaims} reclaims, ${overlaps} overlaps, ${violations} violations`,
);
process.exitCode = violations > 0 ? 1 : 0;

function count({ seed, violation, operations, reclaims, overlaps }: Simulated): void {
  sum.operations += operations;
  sum.reclaims += reclaims;
  sum.overlaps += overlaps;
  if (violation === null) return;
  sum.violations += 1;
  progress(null);
  console.log(`seed ${seed}: ${violation.message}`);
  if (!values.trace)
    console.log(`  replay it: npm run simulate -- --broker ${broker} --first ${seed} --seeds 1 --trace`);
}

/** On a terminal; a log has the last line only. */
function progress(seed: number | null): void {
  if (!process.stderr.isTTY) return;
  const text =
    seed === null ? '' : `seed ${seed} of ${first} to ${first + seeds - 1}, ${sum.operations} operations`;
  process.stderr.write(`\r\x1b[K${text}`);
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  return misuse(`--${name}: ${JSON.stringify(text)} is not a whole number from 1 on`);
}

function misuse(message: string): never {
  console.error(message);
  process.exit(64);
}
