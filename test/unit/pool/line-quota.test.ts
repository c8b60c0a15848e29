import assert from 'node:assert/strict';
import { LineQuota, QUOTA_LINES } from '../../../src/pool/line-quota.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('the lines of a worker', () => {
  const setUp = () => {
    const clock = new FakeClock();
    const told: number[] = [];
    const quota = new LineQuota(clock, (dropped) => told.push(dropped));
    const take = (count: number) => Array.from({ length: count }, () => quota.take()).filter(Boolean).length;
    return { clock, told, quota, take };
  };

  it('pass up to the quota in each second; what is above is told once, also when nothing follows', async () => {
    const { clock, told, take } = setUp();
    assert.equal(take(QUOTA_LINES + 30), QUOTA_LINES);
    await clock.advance(999);
    assert.equal(take(3), 0);
    assert.deepEqual(told, []);
    await clock.advance(1);
    assert.deepEqual(told, [33]);
    assert.equal(take(5), 5);
    assert.deepEqual(told, [33]);
    assert.equal(clock.pending, 0);
  });

  it('are told of at the end of the worker, which leaves no timer', () => {
    const { clock, told, quota, take } = setUp();
    take(QUOTA_LINES + 2);
    quota.end();
    quota.end();
    assert.deepEqual(told, [2]);
    assert.equal(clock.pending, 0);
  });
});
