import assert from 'node:assert/strict';
import { addRun, type MeanRun, prefetchDepth } from '../../../src/pool/prefetch.ts';

describe('prefetch', () => {
  for (const [mean, depth] of [
    [null, 0],
    [0, 32],
    [0.125, 32],
    [0.5, 8],
    [2, 2],
    [2.01, 0],
    [1_000, 0],
  ] as const) {
    it(`buffers ${depth} behind a job when jobs take ${mean} ms`, () =>
      assert.equal(prefetchDepth(mean), depth));
  }

  it('stops at the first long job among short ones, and starts again after some short ones', () => {
    let mean: MeanRun = null;
    for (let count = 0; count < 100; count += 1) mean = addRun(mean, 0.2);
    assert(prefetchDepth(mean) > 0);
    mean = addRun(mean, 100);
    assert.equal(prefetchDepth(mean), 0);
    for (let count = 0; count < 30; count += 1) mean = addRun(mean, 0.2);
    assert(prefetchDepth(mean) > 0);
  });
});
