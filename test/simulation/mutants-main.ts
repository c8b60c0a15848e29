/** `npm run mutants`: hunts every mutant; ends with 1 if one survives. */

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { sideBySide } from './hands.ts';
import { MUTANTS } from './mutants.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});

// What is mounted, copied or running ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

let survivors = 0;
const hunted = MUTANTS.filter(({ name }) => values.only.split('|').some((part) => name.includes(part)));
const tasks = hunted.map(({ name }) => ({ type: 'mutant' as const, name, seeds: Number(values.seeds) }));
await sideBySide(tasks, Number(values.jobs), ({ name }, { seed, violation, tried }) => {
  if (seed === null) survivors += 1;
  const end = seed === null ? `SURVIVED ${tried} seeds` : `caught by seed ${seed}: ${violation}`;
  console.log(`${name}: ${end}`);
});
console.log(`${hunted.length} mutants, ${hunted.length - survivors} caught, ${survivors} survived`);
process.exitCode = survivors > 0 ? 1 : 0;
