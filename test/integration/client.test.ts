import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '../../src/index.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { callCount } from '../support/redis-stats.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';

const NEVER_LONGER_MS = 2_500;
const config = {
  tasks: [join(ROOT, 'test/fixtures/tasks/echo.ts')],
  pools: { io: { kind: 'async', queues: ['default'] } },
};

/** The error, and that it came in bounded time. */
async function failure(work: Promise<unknown>): Promise<{ code: string; disposition: string }> {
  const start = performance.now();
  const error = await work.then(
    () => assert.fail('it succeeded'),
    (reason) => reason,
  );
  assert.ok(performance.now() - start < NEVER_LONGER_MS, 'it took too long');
  return { code: error.code, disposition: error.disposition };
}

describe('the client', () => {
  let unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  beforeEach(() => {
    unhandled = [];
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
    assert.deepEqual(unhandled, []);
  });

  it('fails in bounded time and typed where no daemon has the embedded store', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fl-'));
    await using client = createClient({ broker: join(folder, 'broker.sock') });
    assert.deepEqual(await failure(client.enqueue('echo', 1)), {
      code: 'ERR_BROKER_UNAVAILABLE',
      disposition: 'refused',
    });
    await rm(folder, { recursive: true });
  });

  it('reaches the embedded store by the daemon’s configuration, and by its socket', async () => {
    await withSupervisor(config, async (daemon) => {
      for (const options of [{ config: daemon.configPath }, { broker: join(daemon.folder, 'broker.sock') }]) {
        await using client = createClient(options);
        const handle = await client.enqueue('echo', { a: 'ü' }, { result: true });
        assert.deepEqual(await handle.result({ timeout: '10s' }), { a: 'ü' });
        assert.equal(await handle.status(), 'completed');
      }
    });
  });

  it('finds a daemon again that was killed and started anew', async () => {
    await withSupervisor(config, async (daemon) => {
      await using client = createClient({ config: daemon.configPath });
      await client.enqueue('echo', 1);
      daemon.kill('SIGKILL');
      await daemon.exited;
      assert.equal((await failure(client.enqueue('echo', 2))).code, 'ERR_BROKER_UNAVAILABLE');
      await daemon.start();
      const handle = await client.enqueue('echo', 3, { result: true });
      assert.equal(await handle.result({ timeout: '10s' }), 3);
    });
  });

  it('tells at once what cannot be: input, options, queue, result', async () => {
    await withSupervisor(config, async (daemon) => {
      await using client = createClient({ config: daemon.configPath });
      const refused = async (work: Promise<unknown>, code: string) => assert.rejects(work, { code });
      await refused(client.enqueue('echo', { count: 1n }), 'ERR_INPUT_INVALID');
      await refused(client.enqueue('echo', 'x'.repeat(1024 ** 2)), 'ERR_INPUT_TOO_LARGE');
      await refused(client.enqueue('echo', JSON.parse('['.repeat(65) + ']'.repeat(65))), 'ERR_INPUT_INVALID');
      await refused(client.enqueue('no spaces please', 1), 'ERR_TASK_INVALID');
      await refused(client.enqueue('echo', 1, { queue: 'nowhere' }), 'ERR_QUEUE_UNKNOWN');
      await refused(client.enqueue('echo', 1, { priority: 10 }), 'ERR_OPTION_INVALID');
      await refused(client.enqueue('echo', 1, { delay: '1s', at: new Date() }), 'ERR_OPTION_INVALID');
      await refused(client.enqueue('echo', 1, { attempts: 1 } as never), 'ERR_OPTION_INVALID');
      await refused(client.enqueue(undefined as never, 1), 'ERR_OPTION_INVALID');
      const handle = await client.enqueue('echo', 1);
      await refused(handle.result(), 'ERR_RESULT_NOT_KEPT');
      const delayed = await client.enqueue('echo', 1, { delay: '1h', result: true, unique: 'only' });
      await refused(delayed.result({ timeout: '50ms' }), 'ERR_RESULT_TIMEOUT');
      assert.equal(await delayed.status(), 'delayed');
      const same = await client.enqueue('echo', 2, { unique: 'only' });
      assert.deepEqual([same.id, same.existing], [delayed.id, true]);
      assert.equal(await same.status(), 'delayed');
      await refused(same.result({ timeout: '50ms' }), 'ERR_RESULT_TIMEOUT');
      await client.enqueue('echo', 1, { delay: '1h', unique: 'unkept' });
      const unkept = await client.enqueue('echo', 2, { unique: 'unkept', result: true });
      await refused(unkept.result(), 'ERR_RESULT_NOT_KEPT');
      await client.close();
      await refused(client.enqueue('echo', 1), 'ERR_CLIENT_CLOSED');
      await refused(delayed.result(), 'ERR_CLIENT_CLOSED');
    });
  });
});

describeRedis('the client on Redis', () => {
  let redis: RedisServer;
  let client: Client;
  beforeEach(async () => {
    redis = await startRedis();
    client = createClient({ broker: redis.url, namespace: 'test' });
  });
  afterEach(async () => {
    await client.close();
    await redis.stop();
  });

  it('lets calls that meet travel together', async () => {
    await client.enqueue('echo', 'first');
    const before = await callCount(redis, 'evalsha');
    await Promise.all(Array.from({ length: 500 }, (_, i) => client.enqueue('echo', i)));
    const calls = (await callCount(redis, 'evalsha')) - before;
    assert.ok(calls <= 3, `${calls} calls for 500 jobs`);
  });

  it('fails in bounded time while Redis is paused, not knowing whether it was stored, and goes on afterwards', async () => {
    await client.enqueue('echo', 1);
    process.kill(redis.pid, 'SIGSTOP');
    try {
      const ends = await Promise.all([1, 2, 3].map((i) => failure(client.enqueue('echo', i))));
      assert.deepEqual(
        ends.map(({ code }) => code),
        Array(3).fill('ERR_BROKER_UNAVAILABLE'),
      );
      assert.deepEqual(new Set(ends.map(({ disposition }) => disposition)), new Set(['unknown']));
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    await client.enqueue('echo', 2);
  });

  it('fails in bounded time while Redis is paused also at its first call, and behind another one', async () => {
    await client.enqueue('echo', 1);
    await using cold = createClient({ broker: redis.url, namespace: 'test' });
    process.kill(redis.pid, 'SIGSTOP');
    try {
      const first = failure(client.enqueue('echo', 2));
      const connecting = failure(cold.enqueue('echo', 3));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const behind = failure(client.enqueue('echo', 4));
      for (const end of await Promise.all([first, connecting, behind]))
        assert.equal(end.code, 'ERR_BROKER_UNAVAILABLE');
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
  });

  it('fails in bounded time while Redis is gone, knowing that nothing was stored, and goes on afterwards', async () => {
    await client.enqueue('echo', 1);
    await redis.kill();
    assert.equal((await failure(client.enqueue('echo', 2))).code, 'ERR_BROKER_UNAVAILABLE');
    assert.deepEqual(await failure(client.enqueue('echo', 3)), {
      code: 'ERR_BROKER_UNAVAILABLE',
      disposition: 'refused',
    });
    await redis.restart();
    await client.enqueue('echo', 4);
  });

  it('fails in bounded time when Redis was never there', async () => {
    await redis.kill();
    await using other = createClient({ broker: redis.url });
    assert.deepEqual(await failure(other.enqueue('echo', 1)), {
      code: 'ERR_BROKER_UNAVAILABLE',
      disposition: 'refused',
    });
  });
});
