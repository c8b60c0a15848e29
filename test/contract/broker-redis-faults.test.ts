import assert from 'node:assert/strict';
import { createClient } from 'redis';
import type { BrokerError } from '../../src/broker/broker-error.ts';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import type { RedisBroker, RedisBrokerOptions } from '../../src/broker/redis/redis-broker.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { plainClient, redisBroker } from '../support/redis-broker.ts';
import {
  describeRedis,
  type RedisServer,
  type RedisServerOptions,
  startRedis,
} from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { dead, entry, idsOf, World } from './broker/world.ts';

describeRedis('the redis broker under faults', () => {
  const disposals: (() => Promise<unknown>)[] = [];

  afterEach(async () => {
    for (const dispose of disposals.splice(0).reverse()) await dispose();
  });

  const start = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
    const server = await startRedis(options);
    disposals.push(() => server.stop());
    return server;
  };
  const connect = async (
    server: RedisServer,
    options: Partial<RedisBrokerOptions> = {},
  ): Promise<RedisBroker> => {
    const broker = redisBroker({ url: server.url, callDeadlineMs: 500, ...options });
    disposals.push(() => broker.close());
    await broker.start();
    return broker;
  };
  const administer = async (server: RedisServer) => {
    const admin = await plainClient(server.url);
    disposals.push(async () => admin.destroy());
    return admin;
  };
  const worldOf = (broker: RedisBroker) =>
    new World({
      broker,
      advance: () => Promise.reject(new Error('real time')),
      dispose: () => broker.close(),
    });

  it('does not notice that the server forgot all scripts', async () => {
    const server = await start();
    const world = worldOf(await connect(server));
    const admin = await administer(server);
    const daemon = await world.daemon();
    await world.enqueue({}, {});
    for (let n = 0; n < 2; n++) {
      await admin.scriptFlush();
      const [job] = await daemon.claim(1);
      await admin.scriptFlush();
      await daemon.settle({ type: 'ack', token: job!.token });
    }
    assert.equal((await world.broker.stats(world.queue)).counters.completed, 2);
  });

  it('says that the password is wrong, as something only a person can change', async () => {
    const server = await start({ args: ['--requirepass', 'secret'] });
    for (const password of ['wrong', undefined]) {
      const broker = await connect(server, { password: async () => password });
      await assert.rejects(broker.stats('orders'), (error: BrokerError) => {
        assert.equal(error.disposition, 'fatal');
        return /password/.test(error.message) && !/secret|wrong/.test(error.message.replace('WRONGPASS', ''));
      });
      assert.equal(broker.up, false);
    }
    const fine = await connect(server, { password: async () => 'secret' });
    assert.equal((await fine.stats('orders')).ready, 0);
    assert.equal(fine.up, true);
  });

  it('logs in as the user of the url with the password of its own', async () => {
    const server = await start();
    const admin = await administer(server);
    await admin.sendCommand(['ACL', 'SETUSER', 'jobs:1', 'on', '>s/e@cret', '~*', '+@all']);
    await admin.sendCommand(['ACL', 'SETUSER', 'default', '-@all']);
    for (const url of [
      server.url.replace('//', '//jobs%3A1@'),
      server.url.replace('//', '//jobs%3A1:old@'),
    ]) {
      const broker = await connect(server, { url, password: async () => 's/e@cret' });
      assert.equal((await broker.stats('orders')).ready, 0);
    }
  });

  it('takes a new password as soon as there is one', async () => {
    const server = await start({ args: ['--requirepass', 'secret'] });
    const admin = createClient({ url: server.url.replace('//', '//:secret@') });
    disposals.push(async () => admin.destroy());
    await admin.connect();
    let password = 'secret';
    const broker = await connect(server, { password: async () => password });
    await broker.stats('orders');
    await admin.configSet('requirepass', 'changed');
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
    await until(async () => {
      const error = await broker.stats('orders').catch((thrown: BrokerError) => thrown);
      return error instanceof Error && /password/.test(error.message);
    });
    password = 'changed';
    await until(async () => (await broker.stats('orders').catch(() => null)) !== null);
  });

  it('starts without a server, refuses calls, and works once the server is there', async () => {
    const server = await start();
    await server.kill();
    const broker = await connect(server);
    assert.equal(broker.up, false);
    await assert.rejects(broker.stats('orders'), { disposition: 'refused', code: 'ERR_BROKER_UNAVAILABLE' });
    await server.restart();
    await answered(() => broker.stats('orders'));
    assert.equal(broker.up, true);
  });

  it('ends calls with a typed error when the server is killed, and loses nothing when it is back', async () => {
    const server = await start({ persistence: 'aof' });
    const world = worldOf(await connect(server));
    const daemon = await world.daemon();
    const ids = await world.enqueue({}, {}, {});
    const [job] = await daemon.claim(1);
    const request = daemon.request({ settle: [{ type: 'ack', token: job!.token }], want: 1 });
    const first = await daemon.send(request);
    await server.kill();
    const began = performance.now();
    await assert.rejects(daemon.send(request), (error: BrokerError) => error.disposition !== 'fatal');
    assert(performance.now() - began < 5_000);
    await server.restart();
    const again = await answered(() => daemon.send(request));
    assert(first.status === 'done' && again.status === 'done');
    assert.deepEqual([again.jobs, idsOf(again.jobs)], [first.jobs, [ids[1]]]);
    const stats = await world.broker.stats(world.queue);
    assert.deepEqual([stats.ready, stats.inFlight, stats.counters.completed], [1, 1, 1]);
  });

  it('ends calls in time when the server stands still, and goes on when it runs again', async () => {
    const server = await start();
    const world = worldOf(await connect(server, { callDeadlineMs: 200 }));
    const batch = await world.batch([entry({})]);
    process.kill(server.pid, 'SIGSTOP');
    try {
      const began = performance.now();
      await assert.rejects(world.broker.enqueue(world.queue, batch), { disposition: 'unknown' });
      for (let n = 0; n < 3; n++) {
        await assert.rejects(
          world.broker.enqueue(world.queue, batch),
          (error: BrokerError) => error.disposition !== 'fatal',
        );
      }
      assert(performance.now() - began < 4 * 200 + 5_000);
      assert.equal(world.broker.up, false);
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
    await answered(() => world.broker.enqueue(world.queue, batch));
    assert.equal((await world.broker.stats(world.queue)).counters.enqueued, 1);
  });

  it('works on after its connections were cut, and a wait still wakes', async () => {
    const server = await start();
    const world = worldOf(await connect(server));
    const admin = await administer(server);
    const waiting = world.broker.wait(['idle'], new AbortController().signal);
    const blocked = async () => (await admin.info('clients')).includes('blocked_clients:1');
    while (!(await blocked()));
    await admin.sendCommand(['CLIENT', 'KILL', 'SKIPME', 'yes', 'TYPE', 'normal']);
    assert.deepEqual(await waiting, ['idle']);
    await answered(() => world.broker.stats(world.queue));
    const next = world.broker.wait([world.queue], new AbortController().signal);
    await world.enqueue({});
    assert.deepEqual(await next, [world.queue]);
  });

  it('makes a blocking read that brings nothing anew, with its connection', async () => {
    const server = await start();
    const overdue: (() => void)[] = [];
    const setTimer: Clock['setTimer'] = (ms, callback) => {
      if (ms < 5_000) return systemClock.setTimer(ms, callback);
      overdue.push(callback);
      return { cancel: () => {} };
    };
    const world = worldOf(await connect(server, { clock: { ...systemClock, setTimer } }));
    const waiting = world.broker.wait([world.queue], new AbortController().signal);
    const admin = await administer(server);
    while (!(await admin.info('clients')).includes('blocked_clients:1'));
    process.kill(server.pid, 'SIGSTOP');
    for (const callback of overdue) callback();
    process.kill(server.pid, 'SIGCONT');
    assert.deepEqual(await waiting, [world.queue]);
  });

  it('keeps its connections few, however often waits fail or are aborted', async () => {
    const server = await start();
    const world = worldOf(await connect(server));
    const admin = await administer(server);
    const { wake } = queueKeys('spoilt', 'orders');
    const spoilt = await connect(server, { namespace: 'spoilt' });
    await admin.set(wake, 'a text');
    for (let n = 0; n < 5; n++) await spoilt.wait(['orders'], new AbortController().signal);
    for (let n = 0; n < 20; n++) {
      const controller = new AbortController();
      const aborted = world.broker.wait([world.queue], controller.signal);
      while (!(await admin.info('clients')).includes('blocked_clients:1'));
      controller.abort();
      await aborted;
      while (!(await admin.info('clients')).includes('blocked_clients:0'));
    }
    // The admin, each broker, a waiter of each, and those that a wait found still ending: not one per wait.
    const clients = (await admin.sendCommand<string>(['CLIENT', 'LIST'])).trim().split('\n');
    assert(clients.length <= 10, `${clients.length} connections`);
  });

  it('refuses jobs when memory is full, while everything else goes on', async () => {
    const server = await start();
    const world = worldOf(await connect(server));
    const admin = await administer(server);
    const [daemon, victim] = [await world.daemon(), await world.daemon()];
    await world.fill(50, { unique: null, keepResult: true });
    const lost = await victim.claim(5);
    const jobs = await daemon.claim(10);
    const { watermark } = await world.broker.watermark(world.queue, { schedule: 's' });
    const [died] = await world.enqueue({ priority: 0 });
    await daemon.settle(dead((await daemon.claimOne()).token));
    const [waits] = await world.enqueue({ priority: 9, keepResult: true }, { delayMs: 60_000 });
    await admin.configSet('maxmemory', '1');
    const batch = { id: 'full', notAfterAt: Date.now() + 35_000, jobs: [entry({})] };
    await assert.rejects(world.broker.enqueue(world.queue, batch), {
      code: 'ERR_BROKER_FULL',
      disposition: 'refused',
    });
    const retried = { id: died!, claims: 1 };
    await assert.rejects(world.broker.retry(world.queue, retried), {
      code: 'ERR_BROKER_FULL',
      disposition: 'refused',
    });
    const { broker, queue } = world;
    const shut = await broker.setPaused(queue, { paused: true, version: 1 });
    assert.deepEqual(await broker.setPaused(queue, { paused: true, version: 1 }), shut);
    assert.equal((await broker.setPaused(queue, { paused: false, version: 2 })).pausedAt, null);
    const deleted = { id: waits!, claims: 0, resultTtlMs: 60_000 };
    assert.deepEqual(await broker.delete(queue, deleted), { status: 'gone' });
    const purge = { id: 'p', notAfterAt: Date.now() + 35_000, resultTtlMs: 60_000 };
    const purged = await broker.purge(queue, { ...purge, state: 'delayed', limit: 10 });
    assert.deepEqual([purged.status, 'removed' in purged && purged.removed], ['purged', 1]);
    const tick = { schedule: 's', previous: watermark.tick, tick: Date.now(), record: entry({}).record };
    await assert.rejects(world.broker.fire(world.queue, tick), {
      code: 'ERR_BROKER_FULL',
      disposition: 'refused',
    });
    const [a, b, c, ...others] = jobs.map((job) => job.token);
    const settle = [
      { type: 'ack', token: a!, result: { json: '{}', ttlMs: 60_000 } },
      { type: 'retry', token: b!, delayMs: 1_000, count: 'failure', error: '{}' },
      { type: 'dead', token: c!, count: 'failure', error: '{}' },
      ...others.map((token) => ({ type: 'ack', token }) as const),
    ] as const;
    const reply = await daemon.exchange({ settle, want: 10 });
    assert.deepEqual([reply.refused, reply.refusedAcks, reply.jobs.length], [[], 0, 10]);
    assert.equal((await daemon.heartbeat()).status, 'renewed');
    const lease = (await world.lease(victim))!;
    const taken = await world.broker.reclaim(world.queue, { ...lease, proven: true });
    assert.deepEqual(taken, { status: 'reclaimed', moved: lost.length, more: false });
    assert.equal((await (await world.daemon()).resync([1, 1])).status, 'synced');
    await world.broker.list(world.queue, { state: 'dead', limit: 5 });
    await admin.configSet('maxmemory', '0');
    assert.equal((await world.broker.enqueue(world.queue, batch)).status, 'stored');
    assert.equal((await world.broker.fire(world.queue, tick)).watermark?.tick, tick.tick);
    assert.deepEqual(await broker.retry(queue, retried), { status: 'ready' });
  });

  it('refuses to start on a server that may evict jobs', async () => {
    const server = await start({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    await assert.rejects(connect(server), (error: BrokerError) => {
      assert.equal(error.code, 'ERR_BROKER_UNFIT');
      return /maxmemory-policy is allkeys-lru.*noeviction/.test(error.message);
    });
  });

  it('ends pending calls and waits when it is closed, and refuses those that come later', async () => {
    const server = await start();
    const broker = await connect(server);
    process.kill(server.pid, 'SIGSTOP');
    try {
      const pending = assert.rejects(broker.stats('orders'), { disposition: 'refused' });
      const waiting = broker.wait(['orders'], new AbortController().signal);
      const began = performance.now();
      await broker.close();
      await pending;
      assert.deepEqual(await waiting, []);
      assert(performance.now() - began < 1_500);
      await assert.rejects(broker.stats('orders'), { disposition: 'refused' });
    } finally {
      process.kill(server.pid, 'SIGCONT');
    }
  });
});

/** Repeats a call until it is answered: how a caller lives through a fault. */
async function answered<T>(call: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
