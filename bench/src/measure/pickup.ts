import type { System } from '../contenders/contender.ts';
import { nowUs } from './monotonic.ts';
import { randomFrom } from './random.ts';
import type { Tally } from './tally.ts';

interface Stage {
  readonly system: System;
  readonly tally: Tally;
}

/** Milliseconds from the call of enqueue to the start of the handler, one job at a time in an idle system. */
export async function pickupIdle(
  { system, tally }: Stage,
  phase: number,
  jobs: number,
  seed: number,
): Promise<number[]> {
  const random = randomFrom(seed);
  const sentUs: number[] = [];
  for (let index = 0; index < jobs; index++) {
    // Not in step with any timer.
    await new Promise((resolve) => setTimeout(resolve, 5 + 20 * random()));
    sentUs.push(nowUs());
    await system.enqueue({ probe: 'stamp', phase, index });
  }
  return pickupsOf(sentUs, await tally.untilStamped(phase, jobs)).map(pickupMs);
}

/** When a job was enqueued and when its handler began. */
export interface Pickup {
  readonly sentUs: number;
  readonly begunUs: number;
}

export const pickupMs = ({ sentUs, begunUs }: Pickup): number => (begunUs - sentUs) / 1_000;

/** The same while jobs arrive at random, so many a second; `to`: where, and what they wait for. */
export async function pickupBusy(
  { system, tally }: Stage,
  phase: number,
  rate: number,
  ms: number,
  seed: number,
  { queue, waitMs }: { readonly queue?: string; readonly waitMs?: number } = {},
): Promise<Pickup[]> {
  const random = randomFrom(seed);
  const sentUs: number[] = [];
  const stored: Promise<void>[] = [];
  const begun = performance.now();
  let due = begun;
  while (due < begun + ms) {
    due += (-Math.log(1 - random()) * 1_000) / rate;
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const index = sentUs.length;
    sentUs.push(nowUs());
    stored.push(system.enqueue({ probe: 'stamp', phase, index, waitMs }, queue));
  }
  await Promise.all(stored);
  return pickupsOf(sentUs, await tally.untilStamped(phase, sentUs.length));
}

function pickupsOf(
  sentUs: readonly number[],
  stamps: readonly { index: number; begunUs: number }[],
): Pickup[] {
  return stamps.map(({ index, begunUs }) => ({ sentUs: sentUs[index] as number, begunUs }));
}
