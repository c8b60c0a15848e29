/** Compiled, never run: what the public types must allow, and what they must refuse. */

import { z } from 'zod';
import { type Client, defineTask, NonRetryable, RetryAfter, Snooze, type Task } from '../../src/index.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_Claim extends true>() => {};

declare const client: Client;

const schemed = defineTask('geo.clean', {
  input: z.object({ device: z.string(), max_kmh: z.number().default(180) }),
  timeout: '20s',
  retry: { attempts: 2, initial: '200ms', jitter: '10%' },
  run: async (input, context) => {
    holds<Equal<typeof input, { device: string; max_kmh: number }>>();
    context.progress(1, 2);
    context.log.info('seen', { device: input.device });
    const signal: AbortSignal = context.signal;
    signal.throwIfAborted();
    return { kept: 1, at: new Date(0) };
  },
});

const typed = defineTask('eta.fetch', {
  run: async (trip: { from: string; to: string }, { attempt, fence, id }) => ({
    seconds: attempt + fence,
    id,
    trip,
  }),
});

const bare = defineTask('maintenance.purge', { run: () => 7 });

const dated = defineTask('dated', { run: (_input: { when: Date }) => null });

export async function right(): Promise<void> {
  const handle = await client.enqueue(schemed, { device: 'a' }, { unique: 'a', expires: '30s', priority: 0 });
  const result = await handle.result({ timeout: '3s' });
  holds<Equal<typeof result, { kept: number; at: string }>>();
  const [first] = await client.enqueueMany(typed, [{ from: 'a', to: 'b' }]);
  const eta: number | undefined = (await first?.result())?.seconds;
  await client.enqueue(bare);
  await client.enqueue(bare, undefined, { delay: '1.5h', result: true });
  await client.enqueue('any.name', { eta }, { at: new Date(0) });
  const task: Task<{ from: string; to: string }, unknown> = typed;
  void task;
  throw [new NonRetryable('no'), new RetryAfter('30s'), new RetryAfter(null), new Snooze(new Date(0))];
}

export async function wrong(): Promise<void> {
  // @ts-expect-error: device is missing
  await client.enqueue(schemed, {});
  // @ts-expect-error: device is a string
  await client.enqueue(schemed, { device: 1 });
  // @ts-expect-error: an input is needed
  await client.enqueue(typed);
  // @ts-expect-error: JSON would turn the Date into a string
  await client.enqueue(dated, { when: new Date(0) });
  // @ts-expect-error: one of the inputs is wrong
  await client.enqueueMany(typed, [{ from: 'a', to: 'b' }, { from: 'a' }]);
  // @ts-expect-error: a duration has one of the units ms s m h d
  await client.enqueue(bare, undefined, { delay: '5 parsecs' });
  // @ts-expect-error: a duration needs a unit
  await client.enqueue(bare, undefined, { delay: 5 });
  // @ts-expect-error: there is no such option
  await client.enqueue(bare, undefined, { prioritty: 1 });
  // @ts-expect-error: a timeout is a duration
  defineTask('x', { timeout: '5 parsecs', run: () => null });
  // @ts-expect-error: run is needed
  defineTask('x', {});
  defineTask('x', {
    // @ts-expect-error: the handler gets what the schema makes
    input: z.object({ n: z.number() }),
    run: (input: { n: string }) => input,
  });
}
