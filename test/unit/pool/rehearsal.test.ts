import assert from 'node:assert/strict';
import type { PoolOptions } from '../../../src/pool/open.ts';
import { rehearse } from '../../../src/pool/rehearsal.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { FakeWorkerHost } from '../../support/fake-worker-host.ts';

const options = { name: 'io', modules: ['/a.js'], readyTimeout: 5_000 } as unknown as PoolOptions;
const inputs = [{ task: 'task', input: '1' }];

function setUp() {
  const [host, clock] = [new FakeWorkerHost(), new FakeClock()];
  return { host, clock, end: rehearse(host, options, inputs, clock) };
}

describe('a rehearsal of a pool', () => {
  it('answers what its worker tells, when that has gone; no job is given to it', async () => {
    const { host, clock, end } = setUp();
    const worker = host.last;
    assert.deepEqual([worker.boot.modules, worker.boot.inputs], [['/a.js'], inputs]);
    const tasks = [{ name: 'task', validated: true }];
    worker.say({ type: 'ready', tasks, generation: 0, refused: ['too large'] });
    assert.deepEqual(worker.heard, [{ type: 'exit' }]);
    worker.exit({ code: 0 });
    assert.deepEqual(await end, { type: 'ready', tasks, refused: ['too large'] });
    assert.equal(clock.pending, 0);
  });

  it('kills a worker that does not leave', async () => {
    const { host, clock, end } = setUp();
    host.last.say({ type: 'ready', tasks: [], generation: 0, refused: [null] });
    await clock.advance(1_000);
    assert.equal(host.last.state, 'killed');
    host.last.exit();
    assert.equal((await end).type, 'ready');
  });

  it('fails with the reason of modules that do not load', async () => {
    const { host, end } = setUp();
    host.last.say({ type: 'boot_failed', error: { name: 'Error', message: '/a.js does not load' } });
    host.last.exit();
    assert.deepEqual(await end, { type: 'failed', reason: '/a.js does not load' });
  });

  it('fails with the last words of a worker that ends before it is ready', async () => {
    const { host, end } = setUp();
    host.last.exit({ lastWords: 'out of luck\n' });
    assert.deepEqual(await end, {
      type: 'failed',
      reason: 'a worker with these modules ended; last words: out of luck',
    });
  });

  it('fails when the worker is not ready in time, and kills it', async () => {
    const { host, clock, end } = setUp();
    await clock.advance(5_000);
    assert.equal(host.last.state, 'killed');
    host.last.exit();
    assert.deepEqual(await end, { type: 'failed', reason: 'not ready within 5000 ms (ready_timeout)' });
  });
});
