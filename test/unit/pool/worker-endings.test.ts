import assert from 'node:assert/strict';
import { BootGate } from '../../../src/pool/boot-gate.ts';
import type { FakeWorker } from '../../support/fake-worker-host.ts';
import { delivery, POOL_OPTIONS, poolOnFakeHost } from '../../support/pool-on-fake-host.ts';

describe('the end of a worker', () => {
  it('that is told to leave while it loads is its end at once: another takes its slot, and its turn at the gate', async () => {
    const { pool, host } = poolOnFakeHost({ workers: 2 }, { bootGate: new BootGate(1) });
    void pool.start();
    const first = host.last;
    first.say({ type: 'leaving' });
    assert.equal(first.state, 'killed');
    first.ready();
    first.exit();
    assert.equal(host.workers.length, 2);
    host.last.ready();
    assert.equal(host.workers.length, 3);
  });

  it('by a job that a drain waits for is the crash of that job', async () => {
    const recycle = { maxJobs: 1 };
    const { pool, host, clock, ended } = poolOnFakeHost({ recycle });
    void pool.start();
    const old = host.last;
    old.ready();
    const [one, two] = [delivery({ timeoutMs: 0 }), delivery({ timeoutMs: 0 })];
    pool.run([one]);
    old.start(one.token);
    old.end(one.token);
    pool.run([two]);
    old.start(two.token);
    await clock.advance(0);
    host.last.ready();
    assert.equal(old.told('drain'), true);
    old.exit({ signal: 'SIGSEGV', code: null });
    await clock.advance(0);
    assert.deepEqual(
      ended.map(({ outcome: { type } }) => type),
      ['completed', 'crashed'],
    );
  });

  it('by its memory, while it drains, is the crash of the job that takes it', async () => {
    const recycle = { maxRss: { soft: 100, hard: 200 } };
    const { pool, host, memory, clock, ended } = poolOnFakeHost({ recycle });
    void pool.start();
    const old = host.last;
    old.ready();
    const hog = delivery({ timeoutMs: 0 });
    pool.run([hog]);
    old.start(hog.token);
    memory.sample(new Map([[old.pid, 150]]));
    await clock.advance(0);
    host.last.ready();
    assert.equal(old.told('drain'), true);
    memory.sample(new Map([[old.pid, 250]]));
    assert.equal(old.state, 'killed');
    old.exit();
    await clock.advance(0);
    assert.equal(ended[0]?.outcome.type, 'crashed');
  });

  it('comes also when the last job in it was ended by force after it began to drain', async () => {
    const { pool, host, clock } = poolOnFakeHost({ kind: 'async', concurrency: 10, blockTimeout: 3_600_000 });
    void pool.start();
    const old = host.last;
    old.ready();
    const [first, second] = [delivery(), delivery({ timeoutMs: 40_000 })];
    pool.run([first, second]);
    old.start(first.token, second.token);
    await clock.advance(32_000);
    assert.equal(old.told('drain'), true, 'the first runs on for half a minute');
    assert.equal(old.state, 'alive', 'the second still runs');
    await clock.advance(9_000);
    assert.equal(old.state, 'alive', 'ended for the pool, it has its half minute as well');
    await clock.advance(30_000);
    assert.equal(old.state, 'killed');
  });
});

describe('code that runs on after its job was ended', () => {
  it('takes a place', async () => {
    const { pool, host, clock, ended } = poolOnFakeHost({ kind: 'async', concurrency: 2 });
    void pool.start();
    host.last.ready();
    const [late, other] = [delivery(), delivery({ timeoutMs: 0 })];
    pool.run([late]);
    host.last.start(late.token);
    await clock.advance(2_000);
    assert.deepEqual([ended.length, pool.free], [1, 1]);
    pool.run([other]);
    assert.equal(pool.free, 0);
    assert.equal(host.workers.length, 1);
  });

  it('costs its worker nothing when it heeds the end of a lease, and tells of the room that it leaves', async () => {
    const { pool, host, clock, ended } = poolOnFakeHost({ kind: 'async', concurrency: 2 });
    void pool.start();
    const worker = host.last;
    worker.ready();
    let told = 0;
    pool.onFree(() => {
      told += 1;
    });
    const tokens = [delivery(), delivery()].map((one) => {
      pool.run([one]);
      return one.token;
    });
    worker.start(...tokens);
    // So long that nothing is buffered behind them.
    await clock.advance(500);
    pool.abort(tokens, 'lease_lost', 0);
    await clock.advance(20);
    assert.deepEqual([ended.length, pool.free, told, worker.state], [2, 0, 0, 'alive']);
    worker.end(...tokens);
    await clock.advance(0);
    assert.deepEqual([pool.free, told, worker.state, host.workers.length], [2, 1, 'alive', 1]);
  });

  it('costs its worker the slot at once where it has all places', async () => {
    const { pool, host, clock } = poolOnFakeHost({ kind: 'async', concurrency: 2 });
    void pool.start();
    const old = host.last;
    old.ready();
    const jobs = [delivery(), delivery()];
    pool.run(jobs);
    old.start(...jobs.map(({ token }) => token));
    await clock.advance(2_000);
    assert.deepEqual([old.state, host.workers.length], ['killed', 2]);
    host.last.ready();
    assert.equal(pool.free, 2);
  });
});

describe('a suspect whose worker does not start', () => {
  it('is told apart from one that was handed back, so that the pool runs its other jobs meanwhile', async () => {
    const { pool, host, aloneHost, clock, ended } = poolOnFakeHost({ kind: 'async', concurrency: 2 });
    void pool.start();
    host.last.ready();
    pool.run([delivery({ alone: true })]);
    aloneHost?.last.say({ type: 'boot_failed', error: { name: 'Error', message: 'half a deploy' } });
    aloneHost?.last.exit();
    await clock.advance(0);
    const outcome = ended[0]?.outcome;
    assert.equal(outcome?.type, 'unstarted');
    assert.match(outcome?.type === 'unstarted' ? outcome.error.message : '', /half a deploy/);
  });
});

describe('a roll after one that was rolled back', () => {
  it('replaces also what that one has left', async () => {
    const restart = { ...POOL_OPTIONS.restart, intensity: 2 };
    // No worker here answers a ping.
    const options = { ...POOL_OPTIONS, workers: 3, blockTimeout: 3_600_000, restart };
    const { pool, host, clock } = poolOnFakeHost(options);
    const drained = () => {
      for (const worker of host.alive) if (worker.told('drain')) worker.exit({ code: 0 });
    };
    /** Half a second, so many times; `act` on each worker that is not leaving. */
    const passing = async (times: number, act: (worker: FakeWorker) => void) => {
      for (let time = 0; time < times; time += 1) {
        drained();
        for (const worker of host.alive) if (!worker.told('drain')) act(worker);
        await clock.advance(500);
      }
    };
    void pool.start();
    for (const worker of host.workers) worker.ready();
    const failed = pool.roll({ ...options, generation: 2 }).then(
      () => false,
      () => true,
    );
    await clock.advance(0);
    host.last.ready();
    await clock.advance(2_000);
    drained();
    await clock.advance(0);
    host.last.ready();
    const left = host.alive.filter((worker) => worker.boot.generation === 2 && !worker.told('drain'));
    await clock.advance(0);
    // From here on none starts, of whichever generation.
    const known = new Set(host.workers);
    await passing(200, (worker) => {
      if (!known.has(worker)) worker.exit({ code: 9 });
    });
    assert.equal(await failed, true);
    const second = pool.roll({ ...options, generation: 2 });
    await passing(200, (worker) => worker.ready());
    assert.equal((await second).outcome, 'rolled');
    assert.equal(left.length, 2);
    assert.deepEqual(
      left.map(({ state }) => state),
      ['exited', 'exited'],
    );
  });
});
