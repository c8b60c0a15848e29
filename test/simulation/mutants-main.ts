/** `npm run mutants`: hunts every mutant; ends with 1 if one survives. */

import { availableParallelism } from 'node:os';
import { countOf, readOptions } from '../support/command-line.ts';
import { sideBySide } from './hands.ts';
import { MUTANTS } from './mutants.ts';

const USAGE = `Usage: npm run mutants -- [options]

Breaks one rule after the other, of the scripts, the store and the daemon, and simulates until an
oracle objects. 1 if a mutant survives.

  --seeds N    tried for each at most (200)
  --only TEXT  those whose name has it; several with | between them
  --jobs N     beside each other (the number of cores)
`;

const values = readOptions(USAGE, {
  seeds: { type: 'string', default: '200' },
  only: { type: 'string', default: '' },
  jobs: { type: 'string', default: String(availableParallelism()) },
});

// What is mounted, copied or running ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const seeds = countOf(values, 'seeds');
let survivors = 0;
const hunted = MUTANTS.filter(({ name }) => values.only.split('|').some((part) => name.includes(part)));
const tasks = hunted.map(({ name }) => ({ type: 'mutant' as const, name, seeds }));
await sideBySide(tasks, countOf(values, 'jobs'), ({ name }, { seed, violation, tried }) => {
  if (seed === null) survivors += 1;
  const end = seed === null ? `SURVIVED ${tried} seeds` : `caught by seed ${seed}: ${violation}`;
  console.log(`${name}: ${end}`);
});
console.log(`${hunted.length} mutants, ${hunted.length - survivors} caught, ${survivors} survived`);
process.exitCode = survivors > 0 ? 1 : 0;
