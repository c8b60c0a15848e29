import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BootGate } from '../../../src/pool/boot-gate.ts';
import type { PoolOptions } from '../../../src/pool/options.ts';
import type { WorkerPool } from '../../../src/pool/worker-pool.ts';
import type { FakeWorker } from '../../support/fake-worker-host.ts';
import {
  delivery,
  POOL_OPTIONS as OPTIONS,
  poolOnFakeHost as setUp,
} from '../../support/pool-on-fake-host.ts';

describe('WorkerPool', () => {
  it('has no free place before a worker is ready, and gives nothing before', async () => {
    const { pool, host } = setUp();
    const start = pool.start();
    assert.deepEqual([pool.free, pool.status().state], [0, 'starting']);
    host.last.ready();
    await start;
    assert.deepEqual([pool.free, pool.status().state], [1, 'ok']);
    const one = delivery();
    pool.run([one]);
    assert.deepEqual(host.last.heard, [{ type: 'run', deliveries: [one] }]);
  });

  it('kills a worker that is not ready in time and tries again', async () => {
    const { pool, host, clock } = setUp();
    void pool.start();
    await clock.advance(30_000);
    assert.equal(host.last.state, 'killed');
    host.last.exit();
    assert.match(pool.status().workers[0]?.lastExit ?? '', /not ready in time/);
    await clock.advance(100);
    assert.equal(host.workers.length, 2);
    assert.equal(pool.status().state, 'degraded');
  });

  it('starts no more workers at once than the gate lets in', () => {
    const { pool, host } = setUp({ workers: 5 }, { bootGate: new BootGate(2) });
    void pool.start();
    assert.equal(host.workers.length, 2);
    host.workers[0]?.ready();
    assert.equal(host.workers.length, 3);
    host.workers[1]?.exit();
    assert.equal(host.workers.length, 4);
  });

  it('waits longer after each death in a row, and not at all to be stable again after one completed job', async () => {
    const { pool, host, clock } = setUp();
    void pool.start();
    for (const delay of [100, 200, 400]) {
      const before = host.workers.length;
      host.last.ready();
      host.last.exit();
      await clock.advance(delay - 1);
      assert.equal(host.workers.length, before);
      await clock.advance(1);
      assert.equal(host.workers.length, before + 1);
    }
    host.last.ready();
    const one = delivery();
    pool.run([one]);
    host.last.start(one.token);
    host.last.end(one.token);
    host.last.exit();
    await clock.advance(800);
    host.last.ready();
    host.last.exit();
    const before = host.workers.length;
    await clock.advance(100);
    assert.equal(host.workers.length, before + 1);
  });

  it('waits no longer for the deaths that known poison jobs cause, and opens no breaker for them', async () => {
    const { pool, host, clock } = setUp();
    void pool.start();
    for (let round = 0; round < 20; round += 1) {
      host.last.ready();
      const poison = delivery({ crashes: 1 });
      pool.run([poison]);
      host.last.start(poison.token);
      host.last.exit();
      const before = host.workers.length;
      await clock.advance(99);
      assert.equal(host.workers.length, before);
      await clock.advance(1);
      assert.equal(host.workers.length, before + 1);
    }
    assert.notEqual(pool.status().state, 'crash_loop');
  });

  it('is in no crash loop while workers complete jobs between the deaths of others', async () => {
    const { pool, host, clock } = setUp();
    void pool.start();
    for (let round = 0; round < 20; round += 1) {
      host.last.ready();
      if (round % 2 === 0) {
        const good = delivery();
        pool.run([good]);
        host.last.start(good.token);
        host.last.end(good.token);
      }
      host.last.exit();
      await clock.advance(400);
      assert.notEqual(pool.status().state, 'crash_loop');
    }
  });

  it('probes with one worker at a time in a crash loop, until one is stable', async () => {
    const { pool, host, clock } = setUp({ workers: 4 });
    void pool.start();
    const dieAll = () => {
      for (const worker of host.alive) worker.exit();
    };
    for (let round = 0; pool.status().state !== 'crash_loop'; round += 1) {
      assert(round < 10);
      dieAll();
      await clock.advance(400);
    }
    dieAll();
    const before = host.workers.length;
    await clock.advance(30_000);
    assert.equal(host.workers.length, before + 1);
    await clock.advance(29_000);
    assert.equal(host.alive.length, 1);
    host.last.exit();
    await clock.advance(30_000);
    assert.equal(host.workers.length, before + 2);
    host.last.ready();
    await clock.advance(9_999);
    assert.equal(host.alive.length, 1);
    await clock.advance(1);
    assert.equal(host.alive.length, 4);
    assert.notEqual(pool.status().state, 'crash_loop');
  });

  it('buffers behind tasks that are known to be short, and nothing behind a long one', async () => {
    const { pool, host, clock } = setUp();
    void pool.start();
    const worker = host.last;
    worker.ready();
    const runOne = async (task: string, ms: number) => {
      const one = delivery({ task, timeoutMs: 0 });
      pool.run([one]);
      worker.start(one.token);
      await clock.advance(ms);
      worker.end(one.token);
    };
    await runOne('long', 1_000);
    assert.equal(pool.free, 1);
    for (let round = 0; round < 100; round += 1) await runOne('short', 1);
    assert(pool.free > 1);
    const [long, behind] = [delivery({ task: 'long', timeoutMs: 0 }), delivery({ task: 'short' })];
    pool.run([long, behind]);
    assert.deepEqual([...worker.has.keys()], [long.token]);
    worker.start(long.token);
    worker.end(long.token);
    const more = [delivery({ task: 'short' }), delivery({ task: 'long' })];
    pool.run(more);
    assert.deepEqual([...worker.has.keys()], [behind.token, ...more.map(({ token }) => token)]);
  });

  it('counts the hard limit from the call of the handler', async () => {
    const { pool, host, clock, ended } = setUp();
    void pool.start();
    host.last.ready();
    const one = delivery();
    pool.run([one]);
    await clock.advance(5_000);
    host.last.start(one.token);
    await clock.advance(1_490);
    assert.equal(host.last.state, 'alive');
    await clock.advance(20);
    assert.equal(host.last.state, 'killed');
    assert.equal(ended.length, 0, 'it ends when the process is gone');
    host.last.exit();
    await clock.advance(0);
    assert.equal(ended[0]?.outcome.type, 'timed_out');
    assert.equal(host.workers.length, 2, 'replaced at once');
    assert.equal(pool.status().workers[0]?.lastExit, null);
  });

  it('counts the hard limit from there also where it must look for it on a board', async () => {
    const { pool, host, clock, ended } = setUp({ kind: 'async', concurrency: 10 });
    host.boardClock = clock;
    void pool.start();
    host.last.ready();
    const [soon, late] = [delivery(), delivery()];
    pool.run([soon, late]);
    host.last.note(soon.token);
    assert.deepEqual(
      pool.deliveries().map(({ runMs }) => runMs),
      [0, null],
    );
    await clock.advance(1_400);
    host.last.note(late.token);
    await clock.advance(110);
    assert.deepEqual(
      ended.map(({ delivery: { token }, runMs }) => [token, (runMs ?? 0) >= 1_500]),
      [[soon.token, true]],
    );
    await clock.advance(1_380);
    assert.equal(ended.length, 1);
    await clock.advance(20);
    assert.equal(ended[1]?.outcome.type, 'timed_out');
  });

  it('lays a sudden end to what the board says had begun', async () => {
    const { pool, host, clock, ended } = setUp({ kind: 'async', concurrency: 10 });
    host.boardClock = clock;
    void pool.start();
    host.last.ready();
    const [begun, waits] = [delivery(), delivery()];
    pool.run([begun, waits]);
    host.last.note(begun.token);
    host.last.exit();
    await clock.advance(0);
    assert.deepEqual(
      ended.map(({ delivery: { token }, outcome }) => [token, outcome.type]),
      [
        [begun.token, 'crashed'],
        [waits.token, 'interrupted'],
      ],
    );
  });

  it('ends an async job at its hard limit at once, drops its late result, and recycles a worker in which it runs on', async () => {
    const { pool, host, clock, ended } = setUp({ kind: 'async', concurrency: 10 });
    void pool.start();
    const first = host.last;
    first.ready();
    const [late, other] = [delivery(), delivery({ timeoutMs: 0 })];
    pool.run([late, other]);
    first.start(late.token, other.token);
    for (let second = 0; second < 31; second += 1) {
      await clock.advance(1_000);
      first.say({ type: 'pong', number: 1 });
    }
    assert.deepEqual(
      ended.map(({ delivery: { token }, outcome: { type } }) => [token, type]),
      [[late.token, 'timed_out']],
    );
    await clock.advance(1_000);
    assert(first.told('drain'));
    assert.equal(host.workers.length, 2);
    first.end(other.token);
    assert.equal(first.state, 'killed', 'nothing but the late job was left in it');
    first.end(late.token);
    first.exit();
    await clock.advance(0);
    assert.equal(ended.length, 2);
  });

  it('has a delivery until its code has ended, also after it was ended by force', async () => {
    const { pool, host, clock, ended } = setUp({ kind: 'async', concurrency: 10 });
    void pool.start();
    host.last.ready();
    const [one, other] = [delivery(), delivery()];
    pool.run([one, other]);
    host.last.start(one.token, other.token);
    pool.abort([one.token], 'lease_lost', 0);
    await clock.advance(20);
    assert.equal(ended.length, 1);
    assert(pool.has(one.token));
    host.last.end(one.token);
    assert(!pool.has(one.token));
    assert(pool.has(other.token));
  });

  it('does not take the silence of a process worker at work for a blocked loop, but that of an idle one', async () => {
    const { pool, host, clock } = setUp();
    void pool.start();
    host.last.ready();
    const one = delivery({ timeoutMs: 0 });
    pool.run([one]);
    host.last.start(one.token);
    await clock.advance(60_000);
    assert.equal(host.last.state, 'alive');
    host.last.end(one.token);
    await clock.advance(14_100);
    assert.equal(host.last.state, 'killed');
    assert.equal(host.last.heard.filter(({ type }) => type === 'ping').length, 1);
  });

  it('aborts what it has given at the deadline of a stop, kills after the grace, and resolves when all are gone', async () => {
    const { pool, host, clock, ended } = setUp();
    void pool.start();
    const worker = host.last;
    worker.ready();
    const one = delivery({ timeoutMs: 0 });
    pool.run([one]);
    worker.start(one.token);
    const deadline = new AbortController();
    let stopped = false;
    const stop = pool.stop(deadline.signal).then(() => {
      stopped = true;
    });
    assert(worker.told('drain'));
    deadline.abort();
    await clock.advance(4_999);
    assert(worker.told('abort'));
    assert.equal(worker.state, 'alive');
    await clock.advance(1);
    assert.equal(worker.state, 'killed');
    assert.equal(stopped, false);
    worker.exit();
    await stop;
    assert.deepEqual(ended[0]?.outcome, { type: 'interrupted', reason: 'drain' });
    assert.equal(clock.pending, 0);
  });

  describe('recycling', () => {
    /** Runs one job to its end in a worker. */
    function runOne(pool: WorkerPool, worker: FakeWorker): void {
      const one = delivery({ timeoutMs: 0 });
      pool.run([one]);
      worker.start(one.token);
      worker.end(one.token);
    }

    it('starts the replacement first, which takes the slot when it is ready; then the old one drains', async () => {
      const { pool, host } = setUp({ recycle: { maxJobs: 2 } });
      void pool.start();
      const old = host.last;
      old.ready();
      runOne(pool, old);
      assert.equal(host.workers.length, 1);
      runOne(pool, old);
      assert.equal(host.workers.length, 2);
      assert(!old.told('drain') && pool.free > 0, 'the old one works on meanwhile');
      runOne(pool, old);
      host.last.ready();
      assert(old.told('drain'));
      assert.equal(pool.status().workers[0]?.pid, host.last.pid);
      runOne(pool, host.last);
      old.say({ type: 'bye' });
      old.exit({ code: 0 });
      assert.deepEqual([pool.status().state, pool.status().workers[0]?.lastExit], ['ok', null]);
    });

    it('lets the old one finish its job, and gives it none after', async () => {
      const { pool, host, clock } = setUp({ recycle: { maxAge: 10_000 } });
      void pool.start();
      const old = host.last;
      old.ready();
      const long = delivery({ timeoutMs: 0 });
      pool.run([long]);
      old.start(long.token);
      await clock.advance(10_000);
      host.last.ready();
      assert.equal(pool.free, 0, 'no more jobs at once than before');
      old.end(long.token);
      const next = delivery();
      pool.run([next]);
      assert.deepEqual([old.has.size, host.last.has.size], [0, 1]);
    });

    it('replaces one worker at a time, the next when the last has gone', async () => {
      const { pool, host, clock } = setUp({ workers: 3, recycle: { maxAge: 10_000 } });
      void pool.start();
      const first = [...host.workers];
      for (const worker of first) worker.ready();
      await clock.advance(10_000);
      for (const [index, old] of first.entries()) {
        assert.equal(host.workers.length, 4 + index);
        host.last.ready();
        assert(old.told('drain'));
        await clock.advance(1_000);
        assert.equal(host.workers.length, 4 + index, 'the old one has not gone');
        old.exit({ code: 0 });
        await clock.advance(0);
      }
      assert.equal(host.alive.length, 3);
      assert.equal(pool.status().state, 'ok');
    });

    it('keeps the old worker when its replacement does not start, and tries again later', async () => {
      const { pool, host, clock } = setUp({ recycle: { maxAge: 10_000 }, blockTimeout: 60_000 });
      void pool.start();
      const old = host.last;
      old.ready();
      await clock.advance(10_000);
      host.last.say({ type: 'boot_failed', error: { name: 'E', message: 'gone' } });
      host.last.exit();
      await clock.advance(29_999);
      assert.deepEqual([host.workers.length, old.told('drain'), pool.status().state], [2, false, 'ok']);
      await clock.advance(1);
      assert.equal(host.workers.length, 3);
    });

    it('replaces a worker above the soft memory limit when its job has ended', async () => {
      const { pool, host, memory } = setUp({ recycle: { maxRss: { soft: 100, hard: 200 } } });
      void pool.start();
      const old = host.last;
      old.ready();
      const one = delivery();
      pool.run([one]);
      old.start(one.token);
      memory.sample(new Map([[old.pid, 101]]));
      host.last.ready();
      assert(old.told('drain'));
      assert.equal(old.state, 'alive');
    });

    it('kills a worker above the hard memory limit: a crash of its job', async () => {
      const { pool, host, clock, ended, memory } = setUp({ recycle: { maxRss: { hard: 200 } } });
      void pool.start();
      host.last.ready();
      const one = delivery();
      pool.run([one]);
      host.last.start(one.token);
      memory.sample(new Map([[host.last.pid, 200]]));
      assert.equal(host.last.state, 'alive');
      memory.sample(new Map([[host.last.pid, 201]]));
      assert.equal(host.last.state, 'killed');
      host.last.exit();
      await clock.advance(0);
      assert(ended[0]?.outcome.type === 'crashed');
      assert.match(ended[0].outcome.error.message, /max_rss\.hard/);
      assert.match(pool.status().workers[0]?.lastExit ?? '', /max_rss\.hard/);
    });

    it('replaces nobody once the pool is quiet', async () => {
      const { pool, host, clock } = setUp({ recycle: { maxAge: 10_000 } });
      void pool.start();
      host.last.ready();
      pool.quiet();
      await clock.advance(20_000);
      assert.equal(host.workers.length, 1);
    });
  });

  describe('a roll', () => {
    const next = (more: Partial<PoolOptions> = {}): PoolOptions => ({ ...OPTIONS, workers: 3, ...more });

    function running(options: Partial<PoolOptions> = {}) {
      const set = setUp({ workers: 3, blockTimeout: 600_000, ...options });
      void set.pool.start();
      for (const worker of set.host.workers) worker.ready();
      return { ...set, old: [...set.host.workers] };
    }

    it('gives the first new worker nothing until it has lived for a while', async () => {
      const { pool, host, clock, old } = running();
      void pool.roll(next());
      await clock.advance(0);
      assert.equal(host.workers.length, 4);
      host.last.ready();
      await clock.advance(1_999);
      pool.run([delivery(), delivery(), delivery()]);
      assert.equal(host.last.has.size, 0);
      assert(!old.some((worker) => worker.told('drain')));
      await clock.advance(1);
      assert.equal(old.filter((worker) => worker.told('drain')).length, 1);
      assert.deepEqual(pool.status().generation, 2);
    });

    it('keeps the old workers when the first new one dies in this time', async () => {
      const { pool, host, clock, old } = running();
      const roll = assert.rejects(pool.roll(next()), /did not last.*exited with code 7; last words: oh no/s);
      await clock.advance(0);
      host.last.ready();
      await clock.advance(1_000);
      host.last.exit({ code: 7, lastWords: 'oh no' });
      await roll;
      await clock.advance(60_000);
      assert.deepEqual([host.workers.length, pool.status().generation], [4, 1]);
      assert(!old.some((worker) => worker.told('drain')));
    });

    it('has one worker more than its size at most, and new ones wherever one must be replaced', async () => {
      const { pool, host, clock, old } = running();
      const roll = pool.roll(next());
      await clock.advance(0);
      host.last.ready();
      await clock.advance(2_000);
      const [first, ...others] = [...old].sort((a, b) => Number(b.told('drain')) - Number(a.told('drain')));
      others[1]?.exit();
      await clock.advance(100);
      assert.equal(host.last.boot.generation, 2);
      host.last.ready();
      first?.exit({ code: 0 });
      await clock.advance(0);
      assert.equal(host.alive.length, 4);
      host.last.ready();
      others[0]?.exit({ code: 0 });
      assert.deepEqual(await roll, { outcome: 'rolled', generation: 2, replaced: 2 });
      assert.deepEqual(
        pool.status().workers.map(({ generation }) => generation),
        [2, 2, 2],
      );
    });

    it('goes back to the old generation when too many new workers die young', async () => {
      const { pool, host, clock } = running();
      const restart = { ...OPTIONS.restart, intensity: 2 };
      const roll = assert.rejects(pool.roll(next({ restart })), {
        code: 'ERR_POOL_NOT_READY',
        message: /rolled back, its new workers do not last: exited with code 9/,
      });
      await clock.advance(0);
      host.last.ready();
      await clock.advance(2_000);
      for (let step = 0; step < 100 && pool.status().generation === 2; step += 1) {
        for (const worker of host.alive) {
          if (worker.told('drain')) worker.exit({ code: 0 });
          else if (worker.boot.generation === 2) worker.exit({ code: 9 });
        }
        await clock.advance(500);
      }
      for (let step = 0; step < 20; step += 1) {
        for (const worker of host.alive) {
          if (worker.told('drain')) worker.exit({ code: 0 });
          else worker.ready();
        }
        await clock.advance(100);
      }
      await roll;
      assert.deepEqual(
        pool.status().workers.map(({ generation }) => generation),
        [1, 1, 1],
      );
      assert.equal(pool.status().state, 'ok');
    });

    it('promises only tasks that both generations know while both work', async () => {
      const { pool, host, clock, old } = running({ workers: 2 });
      const roll = pool.roll(next({ workers: 2 }));
      await clock.advance(0);
      const tasks = ['task', 'new'].map((name) => ({ name, validated: false }));
      host.last.say({ type: 'ready', tasks, generation: 2 });
      await clock.advance(2_000);
      assert.deepEqual([...pool.tasks.keys()], ['task']);
      for (const worker of old) if (worker.told('drain')) worker.exit({ code: 0 });
      await clock.advance(0);
      host.last.say({ type: 'ready', tasks, generation: 2 });
      assert.deepEqual([...pool.tasks.keys()], ['task', 'new']);
      for (const worker of old) worker.exit({ code: 0 });
      await roll;
    });
  });

  describe('scale', () => {
    it('starts what is missing, and lets those go first that run nothing', async () => {
      const { pool, host } = setUp();
      void pool.start();
      host.last.ready();
      pool.scale(3);
      assert.equal(host.workers.length, 3);
      for (const worker of host.workers) worker.ready();
      const [first, second, third] = host.workers as [FakeWorker, FakeWorker, FakeWorker];
      const jobs = [delivery({ timeoutMs: 0 }), delivery({ timeoutMs: 0 })];
      pool.run(jobs);
      for (const { token } of jobs)
        for (const worker of host.workers) if (worker.has.has(token)) worker.start(token);
      assert.deepEqual([first.has.size, second.has.size, third.has.size], [1, 1, 0]);
      pool.scale(1);
      assert.deepEqual(
        host.workers.map((worker) => worker.told('drain')),
        [false, true, true],
      );
      assert.equal(pool.status().concurrency, 1);
      second.end(jobs[1]?.token ?? '');
      for (const worker of [second, third]) worker.exit({ code: 0 });
      assert.equal(host.workers.length, 3, 'nobody takes their place');
      pool.scale(2);
      assert.deepEqual(
        pool.status().workers.map(({ slot }) => slot),
        [0, 1],
      );
    });

    it('refuses what is no number of workers, and async pools', () => {
      const { pool } = setUp();
      for (const workers of [0, -1, 1.5, Number.NaN, 1_025]) {
        assert.throws(() => pool.scale(workers), { code: 'ERR_OPTION_INVALID' });
      }
      assert.throws(() => setUp({ kind: 'async' }).pool.scale(2), /async.*concurrency/);
    });
  });

  it('ends each delivery exactly once, whatever happens in whatever order', async () => {
    const event = fc.record({
      what: fc.constantFrom(
        'ready',
        'start',
        'end',
        'exit',
        'culprit',
        'bye',
        'run',
        'alone',
        'abort',
        'advance',
        'scale',
        'roll',
      ),
      which: fc.nat(5),
      ms: fc.constantFrom(1, 100, 2_000, 31_000),
    });
    const kind = fc.constantFrom('process' as const, 'async' as const);
    await fc.assert(
      fc.asyncProperty(kind, fc.array(event, { maxLength: 60 }), async (poolKind, events) => {
        const { clock, host, aloneHost, pool, ended } = setUp({
          kind: poolKind,
          workers: 2,
          concurrency: 3,
          recycle: { maxJobs: 3, maxAge: 40_000 },
        });
        const given: string[] = [];
        const rolls: Promise<unknown>[] = [];
        void pool.start();
        for (const { what, which, ms } of events) {
          const all = [...host.alive, ...(aloneHost?.alive ?? [])];
          const worker = all[which % Math.max(1, all.length)];
          const token =
            worker === undefined ? undefined : [...worker.has.keys()][which % Math.max(1, worker.has.size)];
          if (what === 'ready') worker?.ready();
          else if (what === 'start' && token !== undefined) worker?.start(token);
          else if (what === 'end' && token !== undefined) worker?.end(token);
          else if (what === 'exit') worker?.exit();
          else if (what === 'bye') worker?.say({ type: 'bye' });
          else if (what === 'culprit')
            worker?.say({ type: 'culprit', token: token ?? null, error: { name: 'E', message: '' } });
          else if (what === 'abort') pool.abort(given.slice(which), 'cancel', ms);
          else if (what === 'advance') await clock.advance(ms);
          else if (what === 'scale' && poolKind === 'process') pool.scale(1 + which);
          else if (what === 'roll') rolls.push(pool.roll({ ...OPTIONS, kind: poolKind }).catch(() => null));
          else if (what === 'run' || what === 'alone') {
            const batch = Array.from({ length: Math.min(which, pool.free) }, () =>
              delivery({ alone: what === 'alone' }),
            );
            given.push(...batch.map((one) => one.token));
            pool.run(batch);
          }
        }
        const stop = pool.stop(AbortSignal.abort());
        await clock.advance(5_000);
        for (const worker of [...host.alive, ...(aloneHost?.alive ?? [])]) worker.exit();
        await stop;
        await Promise.all(rolls);
        assert.equal(ended.length, given.length);
        assert.deepEqual(new Set(ended.map(({ delivery: { token } }) => token)), new Set(given));
        assert.equal(pool.inFlight, 0);
        assert.equal(clock.pending, 0);
      }),
      { numRuns: 150 },
    );
  });
});
