import assert from 'node:assert/strict';
import { retryDelay } from '../../../src/task/retry.ts';

const policy = { attempts: 9, backoff: 'exponential', initial: 1_000, max: 10_000, jitter: 0.2 } as const;
const middle = () => 0.5;

describe('the delay before a retry', () => {
  it('doubles up to its maximum', () => {
    const delays = [1, 2, 3, 4, 5, 500].map((failures) => retryDelay(policy, failures, middle));
    assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('stays the same with a fixed backoff', () => {
    assert.equal(retryDelay({ ...policy, backoff: 'fixed' }, 7, middle), 1_000);
  });

  it('is spread by the jitter to both sides', () => {
    assert.equal(
      retryDelay(policy, 1, () => 0),
      800,
    );
    assert.equal(
      retryDelay(policy, 1, () => 1),
      1_200,
    );
  });
});
