import assert from 'node:assert/strict';
import { BrokerError, type Disposition } from '../../../src/broker/broker-error.ts';
import { callPause } from '../../../src/consumer/call-pause.ts';

const error = (disposition: Disposition) => new BrokerError(disposition, 'no');

describe('the pause before a failed call is repeated', () => {
  it('doubles, from less where the failure passes by itself than where a person has to act', () => {
    const pauses = (disposition: Disposition) =>
      [0, 1, 2, 3, 4, 5, 6].map((attempt) => callPause(error(disposition), attempt, () => 0.5));
    assert.deepEqual(pauses('refused'), [50, 100, 200, 400, 800, 1_600, 2_000]);
    assert.deepEqual(pauses('unknown'), pauses('refused'));
    assert.deepEqual(pauses('fatal'), [1_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000]);
  });

  it('is never so long that work goes on late once the broker is back, whatever was wrong with it', () => {
    for (const failure of [error('refused'), error('unknown'), error('fatal'), new Error('ours')])
      for (const attempt of [0, 10, 1_000]) assert.ok(callPause(failure, attempt, () => 0.999_999) <= 2_500);
  });
});
