/** Jobs that come at their own times, whether or not those before them have ended. */

import type { Client, JobHandle } from '../../src/index.ts';
import type { Ran } from './mixed-tasks.ts';

export interface LoadKind {
  readonly queue: string;
  readonly task: string;
  readonly input: number;
  /** Of all jobs. */
  readonly share: number;
}

export interface SentJob {
  readonly queue: string;
  /** Unix ms, before it was enqueued. */
  readonly sentAt: number;
  readonly handle: JobHandle;
}

export interface EndedJob {
  readonly id: string;
  readonly queue: string;
  readonly version: string;
  /** From the call of enqueue to the end of the handler. */
  readonly ms: number;
}

export interface Load {
  readonly kinds: readonly LoadKind[];
  /** Jobs a second, on average. */
  readonly rate: number;
  /** The same seed gives the same jobs at the same times. */
  readonly seed: number;
}

/**
 * Sends at least `least` jobs and goes on while `more` says so. Resolves with those that were stored; whoever is told that
 * a job was not, has lost nothing.
 */
export async function sendLoad(
  client: Client,
  { kinds, rate, seed }: Load,
  least: number,
  more: () => boolean,
): Promise<readonly SentJob[]> {
  const random = randomFrom(seed);
  const sent: Promise<SentJob | null>[] = [];
  let due = performance.now();
  while (sent.length < least || more()) {
    due += (-Math.log(1 - random()) * 1_000) / rate;
    const kind = pick(kinds, random());
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    sent.push(send(client, kind));
  }
  const stored = (await Promise.all(sent)).filter((job) => job !== null);
  if (stored.length < sent.length) console.log(`${sent.length - stored.length} jobs were not enqueued`);
  return stored;
}

/** The results of those that completed within a minute; what is missing was lost. */
export async function awaitEnds(jobs: readonly SentJob[]): Promise<readonly EndedJob[]> {
  const ends = jobs.map(async ({ handle, queue, sentAt }) => {
    const { version, endedAt } = (await handle.result({ timeout: '1m' })) as Ran;
    return { id: handle.id, queue, version, ms: endedAt - sentAt };
  });
  const settled = await Promise.allSettled(ends);
  return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}

async function send(client: Client, { queue, task, input }: LoadKind): Promise<SentJob | null> {
  const sentAt = Date.now();
  try {
    return { queue, sentAt, handle: await client.enqueue(task, input, { queue, result: '10m' }) };
  } catch {
    return null;
  }
}

function pick(kinds: readonly LoadKind[], at: number): LoadKind {
  let sum = 0;
  for (const kind of kinds) {
    sum += kind.share;
    if (at < sum) return kind;
  }
  return kinds.at(-1)!;
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
