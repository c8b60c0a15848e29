import assert from 'node:assert/strict';
import { FakeClock } from '../../support/fake-clock.ts';

describe('FakeClock', () => {
  it('fires timers at their own time, in order, also those set on the way', async () => {
    const clock = new FakeClock(1_000);
    const seen: string[] = [];
    const see = (what: string) => seen.push(`${what}@${clock.monotonic()}/${clock.now()}`);
    clock.setTimer(20, () => see('b'));
    clock.setTimer(10, () => {
      see('a');
      clock.setTimer(5, () => see('a2'));
    });
    clock.setTimer(20, () => see('c'));
    clock.setTimer(31, () => see('late'));
    await clock.advance(30);
    assert.deepEqual(seen, ['a@10/1010', 'a2@15/1015', 'b@20/1020', 'c@20/1020']);
    assert.equal(clock.monotonic(), 30);
    assert.equal(clock.pending, 1);
  });

  it('lets promises settle between two timers', async () => {
    const clock = new FakeClock();
    const seen: string[] = [];
    const worker = (async () => {
      for (let n = 0; n < 3; n++) {
        await clock.sleep(10);
        await Promise.resolve();
        seen.push(`${n}@${clock.monotonic()}`);
      }
    })();
    await clock.advance(30);
    await worker;
    assert.deepEqual(seen, ['0@10', '1@20', '2@30']);
  });

  it('ends a sleep when its signal aborts and leaves no timer', async () => {
    const clock = new FakeClock();
    const stop = new AbortController();
    const sleep = clock.sleep(1_000, stop.signal);
    stop.abort();
    await sleep;
    await clock.sleep(1_000, stop.signal);
    assert.equal(clock.pending, 0);
  });

  it('never fires a cancelled timer', async () => {
    const clock = new FakeClock();
    const timer = clock.setTimer(10, () => assert.fail('was cancelled'));
    timer.cancel();
    timer.cancel();
    await clock.advance(20);
  });

  it('jumps the wall clock without a timer noticing', async () => {
    const clock = new FakeClock(5_000);
    let fired = false;
    clock.setTimer(10, () => {
      fired = true;
    });
    clock.jump(-4_000);
    await clock.advance(9);
    assert.equal(fired, false);
    assert.equal(clock.now(), 1_009);
    assert.equal(clock.monotonic(), 9);
  });
});
