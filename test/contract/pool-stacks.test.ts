/** What is told of code that hangs: real workers, real stacks. */

import assert from 'node:assert/strict';
import { Bench, fixture, until } from './pool.ts';

const HARD = { timeoutMs: 50, killAfterMs: 50 };

describe('hung code', () => {
  let bench: Bench;

  afterEach(() => bench.pool.stop(AbortSignal.abort()));

  it('is named in the error of the job that its hard limit ended', async () => {
    bench = new Bench({ kind: 'process', workers: 1 });
    await bench.pool.start();
    // A machine that is short of time does not answer within the 200 ms that the stack may take, time and again.
    const patience = performance.now() + 90_000;
    let stack = '';
    while (stack === '' && performance.now() < patience) {
      const { outcome } = await bench.run('busy-loop', null, HARD);
      assert(outcome.type === 'timed_out', JSON.stringify(outcome));
      assert.equal(outcome.error.code, 'ERR_JOB_TIMEOUT');
      stack = outcome.error.stack ?? '';
    }
    assert.match(stack, /^ForkloopError: the job ran longer than its limit of 50 ms/);
    assert.match(stack, /\n {4}at .*tasks\/busy-loop\.ts:\d+:\d+\)?$/);
  });

  it('is named, with its line, when a worker does not get ready because of it', async () => {
    const logged = () => bench.logs.find(({ message }) => message === 'worker did not start');
    bench = new Bench({
      kind: 'process',
      modules: [fixture('spin-on-start.ts')],
      readyTimeout: 3_000,
      required: false,
    });
    await bench.pool.start();
    await until(() => logged() !== undefined, 'the worker to be given up');
    const { reason, stack } = logged()?.fields ?? {};
    assert.match(String(reason), /not ready in time.*it hung in spinForEver \(.*spin-on-start\.ts:2:/);
    assert.match(String(stack), /at spinForEver/);
  });

  it('says that nothing hangs of one that waits for something', async () => {
    bench = new Bench({
      kind: 'process',
      modules: [fixture('never-ready.ts')],
      readyTimeout: 3_000,
      required: false,
    });
    await bench.pool.start();
    const logged = () => bench.logs.find(({ message }) => message === 'worker did not start');
    await until(() => logged() !== undefined, 'the worker to be given up');
    assert.match(String(logged()?.fields['reason']), /does a task module wait\?/);
  });
});
