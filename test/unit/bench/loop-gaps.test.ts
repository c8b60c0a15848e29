import assert from 'node:assert/strict';
import { delaysOf, feltDelay } from '../../../bench/src/measure/loop-gaps.ts';

describe("the benchmark's view of an event loop", () => {
  const gaps = (gapsMs: readonly number[]) => ({
    resolutionMs: 1,
    count: gapsMs.length,
    gapsMs,
    maxMs: Math.max(...gapsMs),
    workMs: [],
  });

  it('takes the timer itself off each gap', () => {
    assert.deepEqual(delaysOf(gaps([1, 1.5, 21])), [0, 0.5, 20]);
  });

  it('finds no delay in an idle loop', () => {
    assert.ok(feltDelay(gaps(Array(100).fill(1)), 0.99) < 0.01);
    assert.equal(feltDelay(gaps([]), 0.99), Number.NaN);
  });

  it('counts a long gap for all that come in it', () => {
    // One gap of 101 ms among 899 of 1 ms: a tenth of the time. Who comes then waits from 0 to 100 ms, each as often.
    const felt = (share: number) => feltDelay(gaps([...Array(899).fill(1), 101]), share);
    assert.ok(Math.abs(felt(0.99) - 90) < 0.1, String(felt(0.99)));
    assert.ok(Math.abs(felt(0.95) - 50) < 0.1, String(felt(0.95)));
    assert.ok(felt(0.85) < 0.1);
  });
});
