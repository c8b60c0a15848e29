/** `npm run mutants`: hunts every mutant; ends with 1 if one survives. */

import { parseArgs } from 'node:util';
import { hunt } from './mutant-build.ts';
import { MUTANTS } from './mutants.ts';
import { redisForSimulation } from './redis-for-simulation.ts';
import { StoreDisk } from './store-disk.ts';

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '200' }, only: { type: 'string', default: '' } },
});

// What is mounted, copied or running ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

let survivors = 0;
const { server, socket } = await redisForSimulation();
const disk = new StoreDisk();
const hunted = MUTANTS.filter(({ name }) => name.includes(values.only));
try {
  for (const mutant of hunted) {
    const { seed, violation, tried } = await hunt(
      mutant,
      mutant.store === 'embedded' ? disk : socket,
      Number(values.seeds),
    );
    if (seed === null) survivors += 1;
    const end = seed === null ? `SURVIVED ${tried} seeds` : `caught by seed ${seed}: ${violation}`;
    console.log(`${mutant.name}: ${end}`);
  }
} finally {
  await server.stop();
  disk[Symbol.dispose]();
}
console.log(`${hunted.length} mutants, ${hunted.length - survivors} caught, ${survivors} survived`);
process.exitCode = survivors > 0 ? 1 : 0;
