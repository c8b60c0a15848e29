import { noops } from '../measure/load.ts';
import { startMeter, type Use } from '../measure/meter.ts';
import type { Count } from '../measure/tally.ts';
import type { Stage } from './arena.ts';

const CHUNK = 1_000;
/** Jobs on their way: enough that workers never wait, few enough that it is no backlog. */
const ON_THEIR_WAY = 15_000;

/** Enqueues for so long as fast as jobs are run; resolves when the last one has ended. */
export async function steady(
  { system, tally, redis }: Stage,
  phase: number,
  ms: number,
): Promise<{ readonly count: Count; readonly use: Use }> {
  const chunk = noops(phase, CHUNK);
  const stop = await startMeter(system.pids(), redis);
  const end = performance.now() + ms;
  let sent = 0;
  while (performance.now() < end) {
    if (sent - tally.count(phase).jobs > ON_THEIR_WAY) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      continue;
    }
    await system.enqueueMany(chunk);
    sent += CHUNK;
  }
  const count = await tally.until(phase, sent);
  return { count, use: await stop() };
}
