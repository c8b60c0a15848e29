import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Deadlines } from '../../../src/lib/deadlines.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('Deadlines', () => {
  it('fires each key once, never early and at most 8 ms late', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 40 }), async (delays) => {
        const clock = new FakeClock();
        const fired = new Map<number, number>();
        const deadlines = new Deadlines<number>(clock, (key) => {
          assert(!fired.has(key));
          fired.set(key, clock.monotonic());
        });
        for (const [key, ms] of delays.entries()) deadlines.set(key, ms);
        await clock.advance(600);
        for (const [key, ms] of delays.entries()) {
          const at = fired.get(key);
          assert(at !== undefined && at >= ms && at <= ms + 8, `${ms} ms fired at ${at}`);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('uses one timer for all of them, and none once stopped', () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines<number>(clock, () => {});
    for (let key = 0; key < 100; key += 1) deadlines.set(key, 1_000 - key);
    assert.equal(clock.pending, 1);
    deadlines.stop();
    assert.equal(clock.pending, 0);
  });

  it('does not fire what was cleared, and fires what was moved at its new time only', async () => {
    const clock = new FakeClock();
    const fired: string[] = [];
    const deadlines = new Deadlines<string>(clock, (key) => fired.push(key));
    deadlines.set('cleared', 50);
    deadlines.set('moved', 50);
    deadlines.clear('cleared');
    deadlines.set('moved', 200);
    await clock.advance(100);
    assert.deepEqual(fired, []);
    await clock.advance(110);
    assert.deepEqual(fired, ['moved']);
    assert.equal(clock.pending, 0);
  });
});
