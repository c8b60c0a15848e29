import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { World } from './world.ts';

export function describeWait(world: () => Promise<World>): void {
  describe('wait', () => {
    it('resolves with the queue when a job is enqueued', async () => {
      const w = await world();
      const waiting = w.broker.wait(['idle', w.queue], new AbortController().signal);
      await w.enqueue({});
      assert.deepEqual(await waiting, [w.queue]);
    });

    it('resolves at once when jobs were enqueued before', async () => {
      const w = await world();
      await w.enqueue({});
      assert.deepEqual(await w.broker.wait([w.queue], new AbortController().signal), [w.queue]);
    });

    it('wakes another daemon when an exchange leaves ready jobs', async () => {
      const w = await world();
      await w.enqueue({}, {}, {});
      const { signal } = new AbortController();
      await w.broker.wait([w.queue], signal);
      const waiting = w.broker.wait([w.queue], signal);
      await (await w.daemon()).claim(1);
      assert.deepEqual(await waiting, [w.queue]);
    });

    it('ends with nothing at the abort of its signal, and leaves no listener', async () => {
      const w = await world();
      const controller = new AbortController();
      const waiting = [
        w.broker.wait([w.queue], controller.signal),
        w.broker.wait(['other'], controller.signal),
      ];
      controller.abort();
      assert.deepEqual(await Promise.all(waiting), [[], []]);
      assert.deepEqual(await w.broker.wait([w.queue], controller.signal), []);
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
    });

    it('does not swallow the wake of those who wait after it was aborted', async () => {
      const w = await world();
      for (let n = 0; n < 5; n++) {
        const controller = new AbortController();
        const given = w.broker.wait([w.queue], controller.signal);
        controller.abort();
        await given;
        const waiting = w.broker.wait([w.queue], new AbortController().signal);
        await w.enqueue({});
        assert.deepEqual(await waiting, [w.queue]);
      }
    });

    it('ends with nothing when the broker closes', async () => {
      const w = await world();
      const waiting = w.broker.wait([w.queue], new AbortController().signal);
      await w.broker.close();
      assert.deepEqual(await waiting, []);
      await w.broker.close();
    });
  });
}
