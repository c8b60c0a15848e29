import assert from 'node:assert/strict';
import { ProgressThrottle } from '../../../src/worker/progress-throttle.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('ProgressThrottle', () => {
  it('lets at most four a second of each job through, and the last value always', async () => {
    const clock = new FakeClock();
    const sent: [string, number, number][] = [];
    const throttle = new ProgressThrottle(clock, (token, done) =>
      sent.push([token, done, clock.monotonic()]),
    );
    for (let done = 1; done <= 1_000; done += 1) {
      throttle.report('a', done, 1_000);
      if (done % 2 === 0) throttle.report('b', done, 1_000);
      await clock.advance(1);
    }
    await clock.advance(1_000);
    for (const job of ['a', 'b']) {
      const own = sent.filter(([token]) => token === job);
      assert(own.length <= 6, JSON.stringify(own));
      assert.equal(own.at(-1)?.[1], 1_000);
      for (const [index, [, , at]] of own.entries()) {
        if (index > 0) assert(at - (own[index - 1]?.[2] ?? 0) >= 250);
      }
    }
    assert.equal(clock.pending, 0);
  });

  it('says nothing more of a job that has ended', async () => {
    const clock = new FakeClock();
    const sent: number[] = [];
    const throttle = new ProgressThrottle(clock, (_, done) => sent.push(done));
    throttle.report('a', 1, null);
    throttle.report('a', 2, null);
    throttle.forget('a');
    await clock.advance(1_000);
    assert.deepEqual(sent, [1]);
    assert.equal(clock.pending, 0);
  });
});
