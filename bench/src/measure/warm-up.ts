import type { System } from '../contenders/contender.ts';
import { noops } from './load.ts';
import type { Tally } from './tally.ts';

interface Stage {
  readonly system: System;
  readonly tally: Tally;
}

/** Of no suite. */
const BATCH_PHASE = 0;
const SINGLE_PHASE = -1;
const JOBS = 300;

/**
 * Code is compiled, connections are made and lazily forked children are there: what happens once is no cost of a job.
 * `queues`: each of them is served by other workers.
 */
export async function warmUp(
  { system, tally }: Stage,
  queues: readonly (string | undefined)[] = [undefined],
): Promise<void> {
  await Promise.all(queues.map((queue) => system.enqueueMany(noops(BATCH_PHASE, JOBS), queue)));
  await tally.until(BATCH_PHASE, JOBS * queues.length);
}

/** V8 compiles for good what has run some thousand times. */
const SINGLE_JOBS = 2_000;
const PACE_MS = 5;

/**
 * Jobs one at a time, so many that those of a load that comes like that find no colder code than those of a daemon that has
 * run for a minute. In a warm-up by batches code runs once for each batch, where a contender takes batches.
 */
export async function warmUpSingly(
  { system, tally }: Stage,
  queues: readonly (string | undefined)[] = [undefined],
): Promise<void> {
  for (const [index, input] of noops(SINGLE_PHASE, SINGLE_JOBS).entries()) {
    await system.enqueue(input, queues[index % queues.length]);
    await new Promise((resolve) => setTimeout(resolve, PACE_MS));
  }
  await tally.until(SINGLE_PHASE, SINGLE_JOBS);
}
