/** The task module of a proof: work for the CPU and work that waits, in a version of its own for each reload. */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../test/support/with-supervisor.ts';

/** What a handler answers. */
export interface Ran {
  readonly version: string;
  /** Unix ms, when the handler had done its work. */
  readonly endedAt: number;
}

/**
 * `burn` counts to its input, `rest` waits so many milliseconds. Each run first leaves its job's id in the file `runs`:
 * what the broker believes is not asked.
 */
export const mixedTasks = (version: string, runs: string): string => `
import { appendFileSync } from 'node:fs';
import { defineTask } from ${JSON.stringify(pathToFileURL(join(ROOT, 'dist/index.js')).href)};

const began = (id) => appendFileSync(${JSON.stringify(runs)}, id + '\\n');
const ran = () => ({ version: ${JSON.stringify(version)}, endedAt: Date.now() });
${burn}
export const burning = defineTask('burn', {
  run: (turns, { id }) => {
    began(id);
    burn(turns);
    return ran();
  },
});
export const resting = defineTask('rest', {
  run: (ms, { id }) => {
    began(id);
    return new Promise((resolve) => setTimeout(() => resolve(ran()), ms));
  },
});
`;

function burn(turns: number): number {
  let x = 1;
  for (let turn = 0; turn < turns; turn++) x = (x * 1_103_515_245 + 12_345) % 2_147_483_648;
  return x;
}

/** How many turns of `burn` take so long on this machine now: the best of some tries. */
export function turnsFor(ms: number): number {
  const turns = 2_000_000;
  const tries = Array.from({ length: 10 }, () => {
    const begun = performance.now();
    burn(turns);
    return performance.now() - begun;
  });
  return Math.round((turns * ms) / Math.min(...tries));
}
