import assert from 'node:assert/strict';
import { addToMean, type MovingMean } from '../../../src/lib/moving-mean.ts';
import { prefetchDepth } from '../../../src/pool/prefetch.ts';

describe('prefetch', () => {
  for (const [mean, concurrency, depth] of [
    [null, 1, 0],
    [0, 1, 128],
    [0.125, 1, 32],
    [0.5, 1, 8],
    [2, 1, 2],
    [2.01, 1, 0],
    [1_000, 1, 0],
    [null, 100, 0],
    [0, 100, 256],
    [5, 100, 256],
    [10, 100, 200],
    [1, 2, 40],
    [20, 100, 100],
    [20, 5_000, 256],
    [20.1, 100, 0],
  ] as const) {
    it(`buffers ${depth} behind ${concurrency} at once when jobs take ${mean} ms`, () =>
      assert.equal(prefetchDepth(mean, concurrency), depth));
  }

  it('stops at the first long job among short ones, and starts again after some short ones', () => {
    let mean: MovingMean = null;
    for (let count = 0; count < 100; count += 1) mean = addToMean(mean, 0.2);
    assert(prefetchDepth(mean, 1) > 0);
    mean = addToMean(mean, 100);
    assert.equal(prefetchDepth(mean, 1), 0);
    for (let count = 0; count < 30; count += 1) mean = addToMean(mean, 0.2);
    assert(prefetchDepth(mean, 1) > 0);
  });
});
