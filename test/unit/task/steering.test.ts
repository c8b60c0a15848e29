import assert from 'node:assert/strict';
import { NonRetryable, RetryAfter, Snooze, steeringOf } from '../../../src/task/steering.ts';

const NOW = Date.UTC(2026, 4, 1);

describe('what a handler throws to steer its job', () => {
  for (const [when, delayMs] of [
    ['1s', 1_000],
    [1.0006, 1_001],
    ['0.25', 250],
    ['-3', 0],
    [new Date(NOW + 5_000), 5_000],
    [new Date(NOW - 5_000), 0],
    ['Fri, 01 May 2026 00:00:07 GMT', 7_000],
    ['1e21', Number.MAX_SAFE_INTEGER],
    ['1e308', Number.MAX_SAFE_INTEGER],
    [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER],
  ] as const) {
    it(`RetryAfter ${String(when)} is ${delayMs} ms from now`, () => {
      assert.deepEqual(steeringOf(new RetryAfter(when), NOW), { type: 'retry', delayMs });
    });
  }

  it('RetryAfter without a time leaves it to the policy', () => {
    for (const when of [null, undefined, '', 'soon'])
      assert.equal(steeringOf(new RetryAfter(when), NOW), null, String(when));
  });

  it('Snooze takes a duration or a date, and refuses what is neither', () => {
    assert.deepEqual(steeringOf(new Snooze('2m'), NOW), { type: 'snooze', delayMs: 120_000 });
    assert.throws(() => new Snooze('soon' as '1s'), { code: 'ERR_OPTION_INVALID' });
  });

  it('NonRetryable ends it; anything else is an ordinary error', () => {
    assert.deepEqual(steeringOf(new NonRetryable('x'), NOW), { type: 'dead' });
    for (const thrown of [new Error('x'), null, undefined, 'text', {}])
      assert.equal(steeringOf(thrown, NOW), null);
  });
});
