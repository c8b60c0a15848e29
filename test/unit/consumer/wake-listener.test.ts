import assert from 'node:assert/strict';
import type { Broker } from '../../../src/broker/broker.ts';
import { WakeListener } from '../../../src/consumer/wake-listener.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { Condition } from '../../../src/lib/condition.ts';
import { silentLogger } from '../../../src/lib/logger.ts';

describe('listening for wakes', () => {
  it('hears of every queue beside those that are woken all the time, when it is told of the first only', async () => {
    const always = new Set(['flooded', 'full']);
    const markers = new Set(always);
    // As a blocking read of several lists: the first one that holds something, in the order asked for.
    const wait = async (queues: readonly string[], signal: AbortSignal) => {
      if (signal.aborted) return [];
      const first = queues.find((queue) => markers.has(queue)) as string;
      if (!always.has(first)) markers.delete(first);
      return [first];
    };
    const heard: string[] = [];
    const listening = new AbortController();
    await new Promise<void>((resolve) => {
      const listener = new WakeListener(
        {
          broker: { wait } as Partial<Broker> as Broker,
          queues: ['flooded', 'full', 'small', 'idle'],
          hasRoom: () => true,
          onRead: () => {},
          changed: new Condition(),
          onWake: async (woken) => {
            heard.push(...woken);
            if (heard.length === 4) markers.add('small');
            if (heard.length === 8) resolve();
          },
          onPoll: () => {},
          clock: systemClock,
          random: () => 0.5,
          log: silentLogger,
        },
        listening.signal,
      );
      listener.start();
    });
    listening.abort();
    assert.deepEqual(heard.slice(0, 8), [
      'flooded',
      'full',
      'flooded',
      'full',
      'small',
      'flooded',
      'full',
      'flooded',
    ]);
  });
});
