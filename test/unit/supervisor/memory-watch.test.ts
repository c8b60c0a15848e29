import assert from 'node:assert/strict';
import { MemoryWatch } from '../../../src/supervisor/memory-watch.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('MemoryWatch', () => {
  it('asks for the processes of all watchers in one call, every two seconds, while there is a watcher', async () => {
    const clock = new FakeClock();
    const calls: (readonly number[])[] = [];
    const { watch } = new MemoryWatch(clock, async (pids) => {
      calls.push(pids);
      return new Map(pids.map((pid) => [pid, pid * 10]));
    });
    const samples: number[] = [];
    let pids = [1, 2];
    const stops = [
      watch(
        () => pids,
        (rss) => samples.push(rss.get(2) ?? 0),
      ),
      watch(
        () => [3],
        (rss) => samples.push(rss.get(3) ?? 0),
      ),
    ];
    await clock.advance(2_000);
    pids = [2];
    await clock.advance(2_000);
    assert.deepEqual(calls, [
      [1, 2, 3],
      [2, 3],
    ]);
    assert.deepEqual(samples, [20, 30, 20, 30]);
    for (const stop of stops) stop();
    assert.equal(clock.pending, 0);
    await clock.advance(10_000);
    assert.equal(calls.length, 2);
  });
});
