import type { System } from '../contenders/contender.ts';
import type { JobInput } from '../programs/job-input.ts';

/** Bytes of an input as JSON, where nothing else is said. */
export const INPUT_BYTES = 200;

/** Inputs that are only counted, each exactly so large. */
export function noops(phase: number, count: number, bytes = INPUT_BYTES): JobInput[] {
  const bare = JSON.stringify({ probe: 'count', phase, index: 0, padding: '' }).length;
  const padding = 'x'.repeat(Math.max(0, bytes - bare));
  return Array.from({ length: count }, () => ({ probe: 'count', phase, index: 0, padding }));
}

/** So many callers, each of which enqueues a job, awaits that it is stored and goes on, for so long. Answers how many jobs. */
export async function callers(system: System, count: number, ms: number, input: JobInput): Promise<number> {
  const end = performance.now() + ms;
  let stored = 0;
  const call = async () => {
    while (performance.now() < end) {
      await system.enqueue(input);
      stored++;
    }
  };
  await Promise.all(Array.from({ length: count }, call));
  return stored;
}
