import assert from 'node:assert/strict';
import type { ExchangeBehind, ExchangeReply } from '../../src/broker/messages/exchange.ts';
import { plainClient, redisBroker } from '../support/redis-broker.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { idsOf, World } from './broker/world.ts';

describeRedis('an exchange that stands behind a wait', () => {
  let server: RedisServer;
  const disposals: (() => Promise<unknown>)[] = [];

  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());
  afterEach(async () => {
    for (const dispose of disposals.splice(0).reverse()) await dispose();
  });

  /** A world of its own; a daemon's claim of two stands behind a wait for its queue. */
  const setUp = async () => {
    const namespace = `standing-${Math.random()}`;
    const broker = redisBroker({ url: server.url, namespace, callDeadlineMs: 1_000 });
    const admin = await plainClient(server.url);
    disposals.push(
      async () => admin.destroy(),
      () => broker.close(),
    );
    await broker.start();
    const world = new World({
      broker,
      advance: () => Promise.reject(new Error('real time')),
      dispose: () => broker.close(),
    });
    const daemon = await world.daemon();
    await daemon.exchange();
    const wait = new AbortController();
    const reads: (ExchangeBehind | null)[] = [];
    const request = daemon.request({ want: 2 });
    let reply!: Promise<ExchangeReply>;
    const woken = world.broker.wait([world.queue], wait.signal, (behind) => {
      reads.push(behind);
      if (reads.length === 1) reply = behind!(request);
    });
    await until(async () => (await admin.info('clients')).includes('blocked_clients:1'), 10_000);
    return { world, broker, admin, daemon, wait, reads, request, reply, woken };
  };

  const claimed = (reply: ExchangeReply) => {
    assert.equal(reply.status, 'done');
    return idsOf(reply.jobs);
  };

  it('brings what a wake announces', async () => {
    const { world, reads, reply, woken } = await setUp();
    const ids = await world.enqueue({}, {});
    assert.deepEqual(await woken, [world.queue]);
    assert.deepEqual(claimed(await reply), ids);
    assert.deepEqual([reads.length, reads[1]], [2, null]);
    assert.equal((await world.broker.stats(world.queue)).inFlight, 2);
  });

  it('is executed before anybody else is woken, who then finds the rest', async () => {
    const { world, reply } = await setUp();
    const other = world.broker.wait([world.queue], new AbortController().signal);
    const ids = await world.enqueue({}, {}, {});
    assert.deepEqual(await other, [world.queue]);
    assert.deepEqual(claimed(await reply), ids.slice(0, 2));
  });

  it('is executed when the wait is given up, and when its read has lasted long enough', async () => {
    const { wait, reply, woken } = await setUp();
    wait.abort();
    assert.deepEqual(await woken, []);
    assert.deepEqual(claimed(await reply), []);
    const second = await setUp();
    assert.deepEqual(claimed(await second.reply), []);
    second.wait.abort();
  });

  it('can be repeated as it was when the connection ends, with one effect', async () => {
    const { world, admin, daemon, request, reply } = await setUp();
    const failed = assert.rejects(reply, { disposition: 'unknown' });
    const clients = await admin.sendCommand<string>(['CLIENT', 'LIST']);
    const [, blocked] = /^id=(\d+) .* cmd=blpop /m.exec(clients) ?? [];
    await admin.sendCommand(['CLIENT', 'KILL', 'ID', blocked as string]);
    await failed;
    const ids = await world.enqueue({}, {}, {});
    for (let n = 0; n < 2; n++) assert.deepEqual(claimed(await daemon.send(request)), ids.slice(0, 2));
  });

  it('can be repeated when the server has forgotten the script', async () => {
    const { world, admin, daemon, request, reply } = await setUp();
    const failed = assert.rejects(reply);
    await admin.scriptFlush();
    const ids = await world.enqueue({});
    await failed;
    assert.deepEqual(claimed(await daemon.send(request)), ids);
  });

  it('is not offered for several queues, and not while nothing waits', async () => {
    const { world, broker, reads, reply, woken } = await setUp();
    await world.enqueue({});
    await Promise.all([woken, reply]);
    const several = new AbortController();
    const waiting = broker.wait([world.queue, 'other'], several.signal, (behind) => reads.push(behind));
    several.abort();
    await waiting;
    assert.equal(reads.length, 2);
  });
});
