import assert from 'node:assert/strict';
import { resolveLimits } from '../../../src/task/limits.ts';

const defaults = {
  timeoutMs: 60_000,
  killAfterMs: 5_000,
  retry: { attempts: 3, backoff: 'exponential', initial: 1_000, max: 9_000, jitter: 0.2 },
} as const;

describe('the limits of an attempt', () => {
  it('are the defaults where nobody says anything', () => {
    assert.deepEqual(resolveLimits([{}, {}], defaults), defaults);
  });

  it('come setting by setting from the nearest level that has them', () => {
    const limits = resolveLimits(
      [
        { retry: { attempts: 1 } },
        { timeoutMs: 0, retry: { attempts: 7, max: 2_000 } },
        { timeoutMs: 5, killAfterMs: 6 },
      ],
      defaults,
    );
    assert.deepEqual(limits, {
      timeoutMs: 0,
      killAfterMs: 6,
      retry: { ...defaults.retry, attempts: 1, max: 2_000 },
    });
  });
});
