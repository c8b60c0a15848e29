/** What one kind of pool promises beyond the contract of all. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PoolOptions } from '../../src/pool/open.ts';
import { Bench, gone, until } from './pool.ts';

const RESTART = {
  initial: 20,
  factor: 2,
  max: 500,
  jitter: 0.25,
  stableAfter: 10_000,
  intensity: 5,
  period: 60_000,
};

describe('process pool', () => {
  let bench: Bench;

  async function start(options: Partial<PoolOptions>): Promise<void> {
    bench = new Bench({ kind: 'process', restart: RESTART, ...options });
    await bench.pool.start();
    await until(() => bench.pool.status().state === 'ok', 'all workers to be ready');
  }

  afterEach(() => bench?.pool.stop(AbortSignal.abort()));

  it('lets no death of a worker touch the jobs of its neighbours', async () => {
    await start({ workers: 2 });
    const neighbour = bench.run('ignore-abort', { ms: 1_000 });
    await until(() => bench.pool.status().busy === 1, 'the neighbour to run');
    assert.equal((await bench.run('process-exit', { code: 1 })).outcome.type, 'crashed');
    assert.deepEqual((await neighbour).outcome, { type: 'completed', result: '"late"' });
  });

  it('spreads jobs over its workers, one in each', async () => {
    await start({ workers: 2 });
    assert.equal(bench.pool.free, 2);
    const ends = [bench.run('ignore-abort', { ms: 300 }), bench.run('ignore-abort', { ms: 300 })];
    await until(() => bench.pool.status().busy === 2, 'both to run');
    assert.equal(bench.pool.free, 0);
    assert.deepEqual(
      bench.pool.status().workers.map(({ running, state }) => [running, state]),
      [
        [1, 'busy'],
        [1, 'busy'],
      ],
    );
    await Promise.all(ends);
  });

  it('fills the buffers of its workers once jobs are known to be short, and gives back what waits behind a death', async () => {
    await start({ workers: 1 });
    // As many as it takes: on a busy machine the first ones are not short, and without more of them nothing would change.
    for (let count = 0; bench.pool.free < 4; count += 1) await bench.run('echo', count);
    const exit = bench.delivery('process-exit', { code: 1 });
    const behind = [bench.delivery('echo', 1), bench.delivery('echo', 2)];
    const first = bench.delivery('echo', 0);
    const ends = [first, exit, ...behind].map(({ token }) => bench.end(token));
    bench.pool.run([first, exit, ...behind]);
    const outcomes = (await Promise.all(ends)).map(({ outcome }) => outcome);
    assert.equal(outcomes[0]?.type, 'completed');
    assert.equal(outcomes[1]?.type, 'crashed');
    for (const outcome of outcomes.slice(2)) {
      assert(outcome.type === 'completed' || outcome.type === 'interrupted', JSON.stringify(outcome));
    }
  });

  it('names native death, a signal and the heap by what they are', async () => {
    await start({ workers: 1 });
    for (const [signal, words] of [
      ['SIGSEGV', /native code broke the process \(SIGSEGV\)/],
      ['SIGUSR2', null],
      ['SIGKILL', /SIGKILL from outside/],
    ] as const) {
      const end = bench.run('wait-for-abort', { ms: 400 });
      await until(() => bench.pool.status().busy === 1, 'the job to run');
      process.kill(bench.pid ?? 0, signal);
      const { outcome } = await end;
      if (words === null) assert.equal(outcome.type, 'completed');
      else {
        assert(outcome.type === 'crashed');
        assert.match(outcome.error.message, words);
      }
    }
  });

  it('ends a job at its hard limit though it waits in a native call or on a lock', async () => {
    await start({ workers: 1 });
    for (const [task, input] of [
      ['native-wait', { seconds: 60 }],
      ['atomics-wait', null],
    ] as const) {
      const { outcome } = await bench.run(task, input, { timeoutMs: 50, killAfterMs: 50 });
      assert.equal(outcome.type, 'timed_out');
    }
    assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
  });

  it('ends what a job has started together with its worker', async () => {
    await start({ workers: 1 });
    const end = bench.run('start-a-child', null, { timeoutMs: 300, killAfterMs: 1 });
    await until(
      () => bench.logs.some(({ message }) => /^child \d+$/.test(message)),
      'the child to be started',
    );
    const pid = Number(bench.logs.find(({ message }) => /^child \d+$/.test(message))?.message.slice(6));
    assert.equal((await end).outcome.type, 'timed_out');
    await until(() => gone(pid), 'the child to end');
  });

  for (const [task, what] of [
    ['wait-for-abort', 'waits'],
    ['busy-loop', 'never yields'],
    ['atomics-wait', 'waits on a lock'],
    ['native-wait', 'is in a native call'],
  ] as const) {
    it(`leaves no worker behind when the master is killed while a job ${what}`, async () => {
      const script = fileURLToPath(new URL('../fixtures/master-with-a-busy-child.ts', import.meta.url));
      const command = ['--import', 'tsx', script, task];
      const master = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
      const pid = await new Promise<number>((resolve) => {
        master.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
      });
      assert(!gone(pid));
      master.kill('SIGKILL');
      await until(() => gone(pid), 'the orphan to end', 1_000);
    });
  }
});

for (const host of ['thread', 'process'] as const) {
  describe(`async pool (host: ${host})`, () => {
    let bench: Bench;

    async function start(options: Partial<PoolOptions> = {}): Promise<void> {
      bench = new Bench({ kind: 'async', host, concurrency: 50, restart: RESTART, ...options });
      await bench.pool.start();
    }

    afterEach(() => bench.pool.stop(AbortSignal.abort()));

    it('runs many jobs at once', async () => {
      await start();
      assert.equal(bench.pool.free, 50);
      const ends = Array.from({ length: 50 }, () => bench.run('ignore-abort', { ms: 500 }));
      await until(() => bench.pool.status().busy === 50, 'all to run');
      assert.equal(bench.pool.free, 0);
      for (const { outcome } of await Promise.all(ends)) assert.equal(outcome.type, 'completed');
    });

    /** Again where a machine that is short of time gave no stack in the time that it may take. */
    async function untilTold<Told>(block: () => Promise<Told | null>): Promise<Told> {
      for (let tries = 0; tries < 5; tries += 1) {
        const told = await block();
        if (told !== null) return told;
      }
      return assert.fail('no stack of a blocked event loop in five tries');
    }

    it('replaces a blocked event loop and blames the job that was alone in it', async () => {
      await start({ blockTimeout: 500 });
      const error = await untilTold(async () => {
        const { outcome } = await bench.run('busy-loop');
        assert(outcome.type === 'crashed', JSON.stringify(outcome));
        assert.match(outcome.error.message, /event loop was blocked/);
        return outcome.error.stack === undefined ? null : outcome.error;
      });
      assert.match(error.message, /event loop was blocked in .*busy-loop\.ts:\d+/);
      assert.match(error.stack ?? '', /event loop was blocked.*\n {4}at .*busy-loop\.ts:\d+:\d+/);
      assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
    });

    it('names the job that blocks the event loop, and gives the others back', async () => {
      await start({ blockTimeout: 500 });
      const [innocent, guilty] = await untilTold(async () => {
        const waiting = bench.run('wait-for-abort', {});
        await until(() => bench.pool.status().busy === 1, 'the first to run');
        const outcomes = [(await bench.run('busy-loop')).outcome, (await waiting).outcome].reverse();
        return outcomes[1]?.type === 'lost' ? null : outcomes;
      });
      assert.deepEqual(innocent, { type: 'interrupted', reason: 'handed_back' });
      assert(guilty?.type === 'crashed', JSON.stringify(guilty));
      assert.match(guilty.error.message, /event loop was blocked/);
    });

    it('blames none of several when nothing tells which one blocks', async () => {
      await start({ blockTimeout: 300 });
      const waiting = bench.run('wait-for-abort', {});
      await until(() => bench.pool.status().busy === 1, 'the first to run');
      const blocking = bench.run('native-wait', { seconds: 15 });
      for (const { outcome } of await Promise.all([waiting, blocking])) assert.equal(outcome.type, 'lost');
    });

    it('replaces a worker that hangs in a native call, without waiting for the call', async () => {
      await start({ blockTimeout: 300 });
      const began = performance.now();
      const hanging = bench.run('native-wait', { seconds: 15 });
      assert.equal((await hanging).outcome.type, 'crashed');
      assert.equal((await bench.run('echo', 1)).outcome.type, 'completed');
      assert(performance.now() - began < 14_000);
    });

    it('does not take a loop that only works hard for a blocked one', async () => {
      await start({ blockTimeout: 1_000 });
      const ends = Array.from({ length: 8 }, () => bench.run('spin', { ms: 200 }));
      for (const { outcome } of await Promise.all(ends)) assert.equal(outcome.type, 'completed');
    });

    it('blames the job whose stray error ended the worker, and gives the others back', async () => {
      await start();
      const others = Array.from({ length: 5 }, () => bench.run('wait-for-abort', {}));
      await until(() => bench.pool.status().busy === 5, 'the others to run');
      const guilty = await bench.run('throw-later', { ms: 20, hold: 10_000 });
      assert(guilty.outcome.type === 'crashed');
      assert.match(guilty.outcome.error.message, /thrown from a timer/);
      for (const { outcome } of await Promise.all(others)) {
        assert.deepEqual(outcome, { type: 'interrupted', reason: 'handed_back' });
      }
    });

    it('keeps the others running when one job is ended at its hard limit', async () => {
      await start();
      const other = bench.run('ignore-abort', { ms: 600 });
      const late = await bench.run('ignore-abort', { ms: 60_000 }, { timeoutMs: 50, killAfterMs: 50 });
      assert.equal(late.outcome.type, 'timed_out');
      assert.equal((await other).outcome.type, 'completed');
      assert.equal(bench.pool.status().workers[0]?.restarts, 0);
    });

    it('runs a suspect alone in a child process of its own, which then ends', async () => {
      await start();
      const { outcome } = await bench.run('pid', null, { alone: true });
      assert(outcome.type === 'completed');
      const pid = Number(outcome.result);
      assert.notEqual(pid, bench.pid);
      await until(() => gone(pid), 'the child to end');
      const poison = await bench.run('process-exit', { code: 1 }, { alone: true, crashes: 1 });
      assert.equal(poison.outcome.type, 'crashed');
      assert.equal(bench.pool.status().workers[0]?.restarts, 0);
    });

    it('cancels a suspect whose child is not ready yet', async () => {
      await start();
      const suspect = bench.delivery('echo', 1, { alone: true });
      const end = bench.give(suspect);
      await until(() => bench.pool.inFlight === 1, 'the suspect to be taken');
      bench.pool.abort([suspect.token], 'cancel', 1);
      assert.deepEqual((await end).outcome, { type: 'interrupted', reason: 'cancel' });
    });
  });
}
