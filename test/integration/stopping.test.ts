import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJob } from '../../src/broker/job-record.ts';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import { createClient } from '../../src/index.ts';
import { plainClient } from '../support/redis-broker.ts';
import { describeRedis, startRedis } from '../support/redis-server.ts';
import { TcpGate } from '../support/tcp-gate.ts';
import { until } from '../support/until.ts';
import { type Daemon, PROGRAM, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const config = (
  shutdown: { drain_timeout: string; cold_grace: string },
  more: Record<string, unknown> = {},
) => ({
  tasks: ['busy-loop', 'ignore-abort', 'wait-for-abort'].map((name) =>
    join(ROOT, `test/fixtures/tasks/${name}.ts`),
  ),
  defaults: { timeout: '0s' },
  pools: {
    cpu: { kind: 'process', workers: 1, queues: ['cpu'] },
    io: { kind: 'async', queues: ['io'] },
  },
  shutdown,
  ...more,
});
const patient = { drain_timeout: '20s', cold_grace: '20s' };
const hasty = { drain_timeout: '200ms', cold_grace: '200ms' };

/** Enqueues one job for each pool and waits until both run. */
async function occupy(daemon: Daemon, task: string, input: unknown): Promise<void> {
  await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
  for (const queue of ['cpu', 'io']) await client.enqueue(task, input, { queue });
  await until(async () => (await daemon.status()).pools.every(({ busy }) => busy === 1));
}

async function jobs(daemon: Daemon): Promise<{ state: string; attempt: number; recoveries: number }[]> {
  const { stdout } = await daemon.cli('job', 'list', '-o', 'json');
  return JSON.parse(stdout).jobs;
}

describe('stopping', () => {
  it('lets running jobs finish on TERM, and exits 0', async () => {
    await withSupervisor(config(patient), async (daemon) => {
      await occupy(daemon, 'ignore-abort', { ms: 700 });
      daemon.kill('SIGTERM');
      assert.deepEqual(await daemon.exited, { code: 0, signal: null });
      await daemon.start();
      assert.deepEqual(await jobs(daemon), []);
    });
  });

  it('ends what still runs at the drain timeout, and gives it back without counting an attempt', async () => {
    await withSupervisor(config(hasty), async (daemon) => {
      await occupy(daemon, 'ignore-abort', { ms: 60_000 });
      daemon.kill('SIGTERM');
      assert.deepEqual(await daemon.exited, { code: 0, signal: null });
      await daemon.start();
      await until(async () => (await daemon.status()).pools.every(({ busy }) => busy === 1));
      const found = (await jobs(daemon)).map(({ state, attempt, recoveries }) => ({
        state,
        attempt,
        recoveries,
      }));
      const again = { state: 'in_flight', attempt: 1, recoveries: 0 };
      assert.deepEqual(found, [again, again]);
    });
  });

  it('ends a loop that never yields, too', async () => {
    await withSupervisor(config(hasty), async (daemon) => {
      await occupy(daemon, 'busy-loop', null);
      daemon.kill('SIGQUIT');
      assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    });
  });

  it('aborts the signal of running jobs on QUIT, and exits when they have ended', async () => {
    await withSupervisor(config(patient), async (daemon) => {
      await occupy(daemon, 'wait-for-abort', {});
      daemon.kill('SIGQUIT');
      assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    });
  });

  it('goes from drain to cold to killing with each further Ctrl-C, and exits 130 after the third', async () => {
    await withSupervisor(config(patient), async (daemon) => {
      await occupy(daemon, 'ignore-abort', { ms: 60_000 });
      const said = async (text: string) => until(() => daemon.log().includes(text));
      daemon.kill('SIGINT');
      await said('running jobs may finish');
      await pressUntil(daemon, () => daemon.log().includes('running jobs are ended'));
      await pressUntil(daemon, () => false);
      assert.deepEqual(await daemon.exited, { code: 130, signal: null });
    });
  });

  it('refuses a second daemon in the same directory with exit code 75', async () => {
    await withSupervisor(config(patient), async (daemon) => {
      const second = await daemon.cli('start');
      assert.equal(second.code, 75);
      assert.match(second.stderr, /another daemon/);
      assert.equal((await daemon.status()).pid, daemon.pid);
    });
  }).timeout(120_000);

  it('stops cleanly when it is told to while it starts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fl-'));
    try {
      const path = join(folder, 's.yaml');
      const never = join(ROOT, 'test/fixtures/tasks/never-ready.ts');
      await writeFile(
        path,
        JSON.stringify({
          version: 1,
          tasks: [never],
          broker: { type: 'embedded', path: 'jobs.db' },
          control: { directory: '.' },
          pools: { a: { kind: 'process', workers: 1, queues: ['a'] } },
        }),
      );
      const child = spawn(process.execPath, [PROGRAM, 'start', '-c', path], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let log = '';
      child.stderr.on('data', (chunk) => {
        log += String(chunk);
      });
      const exited = once(child, 'exit');
      await until(() => log.includes('waiting for a friend'));
      child.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** A second press counts only a second after the first: presses until it is seen, or the daemon has ended. */
async function pressUntil(daemon: Daemon, seen: () => boolean): Promise<void> {
  let ended = false;
  void daemon.exited.then(() => {
    ended = true;
  });
  await until(async () => {
    if (!ended && !seen()) daemon.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 50));
    return ended || seen();
  });
}

describeRedis('stopping with a broker that is slow', () => {
  it('exits 0 by the deadline, and leaves nothing leased', async () => {
    const redis = await startRedis();
    const gate = await TcpGate.open(redis.port);
    const look = await plainClient(redis.url);
    try {
      const shutdown = { drain_timeout: '6s', cold_grace: '2s' };
      const broker = { type: 'redis', url: `redis://127.0.0.1:${gate.port}` };
      const more = { namespace: 'slow', broker };
      await withSupervisor(config(shutdown, more), async (daemon) => {
        // One ends within the deadline, the other is aborted at it.
        await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
        await client.enqueue('ignore-abort', { ms: 3_000 }, { queue: 'io' });
        await client.enqueue('wait-for-abort', {}, { queue: 'cpu' });
        await until(async () => (await daemon.status()).pools.every(({ busy }) => busy === 1));
        gate.delayMs = 700;
        const since = performance.now();
        daemon.kill('SIGTERM');
        assert.deepEqual(await daemon.exited, { code: 0, signal: null });
        const took = performance.now() - since;
        assert.ok(took < 6_000 + 2_000 + 5_000, `${took} ms`);
        assert.doesNotMatch(daemon.log(), /"unreleased":[1-9]/);
      });
      for (const queue of ['io', 'cpu']) {
        const { leases, inFlightPrefix } = queueKeys('slow', queue);
        assert.equal(await look.zCard(leases), 0);
        assert.deepEqual(await look.keys(`${inFlightPrefix}*`), []);
      }
      assert.equal(await look.hGet(queueKeys('slow', 'io').meta, 'completed'), '1');
      const waiting = await Promise.all(queueKeys('slow', 'cpu').ready.map((key) => look.lRange(key, 0, -1)));
      const [job] = waiting.flat().map(decodeJob);
      assert.deepEqual([job?.task, job?.failures, job?.crashes], ['wait-for-abort', 0, 0]);
    } finally {
      look.destroy();
      await gate.close();
      await redis.stop();
    }
  });
});

describeRedis('stopping without a broker', () => {
  it('exits 0 soon when Redis stops answering during the drain', async () => {
    const redis = await startRedis();
    try {
      await withSupervisor(config(patient, { broker: { type: 'redis', url: redis.url } }), async (daemon) => {
        await occupy(daemon, 'ignore-abort', { ms: 700 });
        process.kill(redis.pid, 'SIGSTOP');
        const since = performance.now();
        daemon.kill('SIGTERM');
        assert.deepEqual(await daemon.exited, { code: 0, signal: null });
        const took = performance.now() - since;
        assert.ok(took < 10_000, `${took} ms`);
        assert.match(daemon.log(), /"unreleased":[1-9]/);
      });
    } finally {
      await redis.stop();
    }
  });

  it('exits 0 soon when Redis is gone, and says what it could not give back', async () => {
    const redis = await startRedis();
    try {
      await withSupervisor(config(hasty, { broker: { type: 'redis', url: redis.url } }), async (daemon) => {
        await occupy(daemon, 'ignore-abort', { ms: 60_000 });
        await redis.kill();
        daemon.kill('SIGTERM');
        assert.deepEqual(await daemon.exited, { code: 0, signal: null });
        assert.match(daemon.log(), /"unreleased":[1-9]/);
      });
    } finally {
      await redis.stop();
    }
  });
});
