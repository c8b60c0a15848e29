import type { System } from '../contenders/contender.ts';
import type { JobInput } from '../programs/job-input.ts';
import { type Arrival, IO_MS } from './mixed-load.ts';
import { nowUs } from './monotonic.ts';
import type { Tally } from './tally.ts';

export interface Completion {
  readonly kind: Arrival['kind'];
  /** From the planned arrival to the end of the handler. */
  readonly ms: number;
  /** Of the handler alone. */
  readonly serviceMs: number;
}

/** Lead, so that the first arrivals are not late. */
const LEAD_MS = 50;

/** Enqueues each job at its time and resolves when the last one has ended, in the order of the load. */
export async function play(
  load: readonly Arrival[],
  { system, tally }: { readonly system: System; readonly tally: Tally },
  phase: number,
  cpuTurns: number,
): Promise<Completion[]> {
  const startUs = nowUs() + LEAD_MS * 1_000;
  const stored: Promise<void>[] = [];
  for (const [index, { kind, atMs }] of load.entries()) {
    const early = (startUs - nowUs()) / 1_000 + atMs;
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const work = kind === 'cpu' ? { turns: cpuTurns } : { waitMs: IO_MS };
    const input: JobInput = { probe: 'stamp', phase, index, ...work };
    stored.push(system.enqueue(input, kind));
  }
  await Promise.all(stored);
  const stamps = await tally.untilStamped(phase, load.length);
  return [...stamps]
    .sort((a, b) => a.index - b.index)
    .map(({ index, begunUs, endedUs }) => {
      const { kind, atMs } = load[index] as Arrival;
      return {
        kind,
        ms: (endedUs - startUs) / 1_000 - atMs,
        serviceMs: (endedUs - begunUs) / 1_000,
      };
    });
}
