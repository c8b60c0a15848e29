import assert from 'node:assert/strict';
import { isoTime, systemClock } from '../../../src/lib/clock.ts';

describe('systemClock', () => {
  it('calls a timer back no earlier than asked', async () => {
    const start = systemClock.monotonic();
    await new Promise<void>((resolve) => systemClock.setTimer(20, resolve));
    assert.ok(
      systemClock.monotonic() - start >= 19,
      'a timer may be a fraction of a millisecond early, not more',
    );
  });

  it('never calls a cancelled timer back', async () => {
    const timer = systemClock.setTimer(1, () => assert.fail('was cancelled'));
    timer.cancel();
    timer.cancel();
    await systemClock.sleep(10);
  });

  it('ends a sleep at once when its signal aborts, before or during it', async () => {
    const stop = new AbortController();
    const sleep = systemClock.sleep(60_000, stop.signal);
    stop.abort();
    await sleep;
    await systemClock.sleep(60_000, stop.signal);
  });

  it('leaves no listener on the signal of a sleep that ended', async () => {
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    await systemClock.sleep(1, signal);
    assert.equal(listeners, 0);
  });

  it('does not fire a timer beyond the longest delay of Node at once', async () => {
    const timer = systemClock.setTimer(2 ** 40, () => assert.fail('fired at once'));
    await systemClock.sleep(20);
    timer.cancel();
  });
});

describe('isoTime', () => {
  it('is UTC with milliseconds', () => {
    assert.equal(isoTime(0), '1970-01-01T00:00:00.000Z');
  });
});
