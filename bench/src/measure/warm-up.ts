import type { System } from '../contenders/contender.ts';
import { noops } from './load.ts';
import type { Tally } from './tally.ts';

/** Of no suite. */
const PHASE = 0;
const JOBS = 300;

/**
 * Code is compiled, connections are made and lazily forked children are there: what happens once is no cost of a job.
 * `queues`: each of them is served by other workers.
 */
export async function warmUp(
  { system, tally }: { readonly system: System; readonly tally: Tally },
  queues: readonly (string | undefined)[] = [undefined],
): Promise<void> {
  await Promise.all(queues.map((queue) => system.enqueueMany(noops(PHASE, JOBS), queue)));
  await tally.until(PHASE, JOBS * queues.length);
}
