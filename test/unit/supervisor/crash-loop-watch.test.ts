import assert from 'node:assert/strict';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { PoolState, PoolStatus } from '../../../src/pool/pool.ts';
import { CrashLoopWatch, type CrashLoopWatchOptions } from '../../../src/supervisor/crash-loop-watch.ts';

function setUp(state: PoolState, policy: 'probe' | 'exit', works = true) {
  const status = { state, workers: [{ lastExit: null }, { lastExit: 'exited with code 7' }] };
  const ended: string[] = [];
  const watch = new CrashLoopWatch({
    pools: [{ name: 'cpu', status: () => status as unknown as PoolStatus }],
    config: () =>
      ({ pools: { cpu: { restart: { on_crash_loop: policy } } } }) as unknown as ReturnType<
        CrashLoopWatchOptions['config']
      >,
    supervisor: { works, giveUp: () => void ended.push('given up') },
    log: silentLogger,
  });
  watch.look();
  watch.look();
  return { ended, failure: watch.failure };
}

describe('a pool in its crash loop', () => {
  it('ends the daemon once, with the reason, where the configuration says so', () => {
    const { ended, failure } = setUp('crash_loop', 'exit');
    assert.deepEqual([ended, failure?.code], [['given up'], 'ERR_POOL_NOT_READY']);
    assert.match(failure?.message ?? '', /pool cpu is in a crash loop.*exited with code 7/);
  });

  it('ends nothing otherwise', () => {
    for (const { ended, failure } of [
      setUp('crash_loop', 'probe'),
      setUp('degraded', 'exit'),
      setUp('crash_loop', 'exit', false),
    ])
      assert.deepEqual([ended, failure], [[], null]);
  });
});
