import assert from 'node:assert/strict';
import { median, quantile } from '../../../bench/src/measure/quantile.ts';

describe("the benchmark's quantiles", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

  it('are values that were measured, whatever their order', () => {
    assert.equal(quantile(hundred, 0.5), 50);
    assert.equal(quantile(hundred, 0.99), 99);
    assert.equal(quantile(hundred, 1), 100);
    assert.equal(quantile([3], 0.01), 3);
    assert.equal(quantile([], 0.5), Number.NaN);
  });

  it('have a median between the two in the middle', () => {
    assert.equal(median([9, 1, 10]), 9);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(median([]), Number.NaN);
  });
});
