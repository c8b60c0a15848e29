import assert from 'node:assert/strict';
import type { Broker } from '../../src/broker/broker.ts';
import type { BrokerError } from '../../src/broker/broker-error.ts';
import type { ResultRecord, Settlement } from '../../src/broker/messages/exchange.ts';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import { ResultWatcher } from '../../src/client/result-watcher.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { openRedisFixture, plainClient, redisBroker } from '../support/redis-broker.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { Daemon, dead, entry, idsOf, LEASE_MS, retry, World } from './broker/world.ts';
import { brokerContract } from './broker.ts';

describeRedis('the redis broker', () => {
  let server: RedisServer;

  before(async () => {
    server = await startRedis();
  });

  after(async () => {
    await server.stop();
  });

  brokerContract('redis', { open: () => openRedisFixture(server.url) });

  describe('and its keys', () => {
    let admin: Awaited<ReturnType<typeof plainClient>>;
    let world: World;
    const keys = queueKeys('keys', 'orders');

    beforeEach(async () => {
      admin = await plainClient(server.url);
      await admin.flushAll();
      const broker = redisBroker({ url: server.url, namespace: 'keys' });
      await broker.start();
      const advance = async (ms: number) => {
        await admin.incrBy('test:clock', ms);
      };
      world = new World({ broker, advance, dispose: () => broker.close() });
    });

    afterEach(async () => {
      await world.broker.close();
      await admin.close();
    });

    it('has nothing of ended jobs left but what has a time to live', async () => {
      const daemon = await world.daemon();
      const result = { json: '{}', ttlMs: 60_000 };
      await world.enqueue({ unique: 'a' }, { unique: 'b', delayMs: 1 }, {}, {});
      await world.advance(2);
      const [a, b, c, d] = await daemon.claim(4);
      await daemon.settle({ type: 'ack', token: a!.token }, retry(b!.token), dead(c!.token));
      await daemon.settle({ type: 'ack', token: d!.token, result });
      const claimed = await daemon.claim(1);
      await daemon.settle({ type: 'ack', token: claimed[0]!.token });
      assert.equal(await admin.exists([keys.inFlight(daemon.id), keys.held(daemon.id)]), 0);
      await world.broker.closeSession(world.queue, { daemon: daemon.id });
      const left: string[] = [];
      for (const key of await admin.keys('fl:*')) {
        if ((await admin.pTTL(key)) < 0) left.push(key);
      }
      assert.deepEqual(
        left.toSorted((x, y) => x.localeCompare(y)),
        [keys.dead, keys.meta, keys.wake],
      );
    });

    it('gives 100 results of 1 MB each to one who waits for all, and other calls in between', async () => {
      const ids = Array.from({ length: 100 }, () => newId());
      const json = JSON.stringify({ status: 'completed', result: 'x'.repeat(1024 * 1024) });
      for (const id of ids) await admin.set(keys.result(id), json);
      const watcher = new ResultWatcher(world.broker, world.queue, systemClock);
      const found = ids.map((id) => new Promise((resolve) => watcher.watch(id, resolve)));
      await world.enqueue({});
      const records = await Promise.all(found);
      assert(records.every((record) => (record as ResultRecord).status === 'completed'));
      watcher.close();
    });

    it('puts what is not a record into a quarantine and goes on with the batch', async () => {
      const [good] = await world.enqueue({});
      const record = entry({}).record;
      const garbage = [
        '',
        'x',
        '{"job":1}',
        record.slice(0, 60),
        `2${record.slice(1)}`,
        '\u0000ÿ'.repeat(60),
        'é'.repeat(90),
      ];
      await admin.lPush(keys.ready[5]!, garbage);
      await admin.zAdd(keys.delayed, [{ score: 1, value: 'not due, not a record' }]);
      const daemon = await world.daemon();
      const reply = await daemon.exchange({ want: 10 });
      assert.deepEqual(idsOf(reply.jobs), [good]);
      assert.deepEqual(reply.dropped, Array(garbage.length).fill({ id: '', reason: 'corrupt' }));
      const kept = await admin.lRange(keys.quarantine, 0, -1);
      assert.equal(kept.length, garbage.length + 1);
      await daemon.settle({ type: 'ack', token: reply.jobs[0]!.token });
    });

    it('puts a job whose record was cut in flight into the quarantine, whatever happens to it', async () => {
      await world.enqueue({}, {});
      const daemon = await world.daemon();
      const [a, b] = await daemon.claim(2);
      await admin.hSet(keys.inFlight(daemon.id), a!.token, a!.record.slice(0, 80));
      await admin.hSet(keys.inFlight(daemon.id), b!.token, 'garbage');
      await daemon.settle(retry(a!.token));
      assert.equal(await world.reclaim(daemon), 0);
      const kept = await admin.lRange(keys.quarantine, 0, -1);
      assert.deepEqual(new Set(kept), new Set([a!.record.slice(0, 80), 'garbage']));
    });

    it('puts a job that stands in flight under no claim into the quarantine, and settles the rest', async () => {
      await world.enqueue({}, {});
      const daemon = await world.daemon();
      const [a, b] = await daemon.claim(2);
      const id = a!.token.slice(0, 36);
      const spoiled = [id, `${id}:abc`, `${id}:-5`, `${id}:`];
      for (const field of spoiled) await admin.hSet(keys.inFlight(daemon.id), field, a!.record);
      const settle: Settlement[] = spoiled.map((token) => ({ type: 'release', token }));
      const reply = await daemon.exchange({ settle: [{ type: 'ack', token: b!.token }, ...settle] });
      assert.deepEqual([reply.refused, reply.refusedAcks], [[], 0]);
      assert.equal(await admin.lLen(keys.quarantine), spoiled.length);
      assert.deepEqual(await admin.hKeys(keys.inFlight(daemon.id)), [a!.token]);
    });

    it('bounds the quarantine', async () => {
      for (let n = 0; n < 130; n++) await admin.rPush(keys.ready[0]!, `garbage ${n}`);
      const daemon = await world.daemon();
      assert.equal((await daemon.exchange({ want: 200 })).dropped.length, 130);
      assert.equal(await admin.lLen(keys.quarantine), 100);
    });

    for (const [name, keyOf] of [
      ['a ready list', () => keys.ready[7]!],
      ['the suspects', () => keys.suspects],
      ['the delayed set', () => keys.delayed],
      ['the counters', () => keys.meta],
      ['the jobs in flight', (daemon: string) => keys.inFlight(daemon)],
      ['the unique keys in flight', (daemon: string) => keys.held(daemon)],
    ] as const) {
      it(`names ${name} of a wrong type, and neither takes nor loses a job meanwhile`, async () => {
        const daemon = await world.daemon();
        const key = keyOf(daemon.id);
        await world.enqueue({ priority: 0 }, { priority: 9 });
        const [running] = await daemon.claim(1);
        const saved = (await admin.exists(key)) === 1 ? await admin.hGetAll(key) : undefined;
        await admin.set(key, 'a text');
        const request = daemon.request({ want: 5, settle: [{ type: 'ack', token: running!.token }] });
        await assert.rejects(daemon.send(request), (error: BrokerError) => {
          assert.deepEqual([error.disposition, error.code], ['fatal', 'ERR_BROKER_UNAVAILABLE']);
          return error.message.includes(key) && error.message.includes('string');
        });
        await admin.del(key);
        if (saved !== undefined) await admin.hSet(key, saved);
        const reply = await daemon.send(request);
        assert(reply.status === 'done');
        assert.deepEqual([reply.jobs.length, reply.refusedAcks], [1, 0]);
      });
    }

    it('stores all of a batch or nothing when a key has a wrong type', async () => {
      await admin.set(keys.ready[9]!, 'a text');
      const batch = await world.batch([
        entry({ priority: 0, unique: 'k' }),
        entry({ delayMs: 5 }),
        entry({ priority: 9 }),
      ]);
      await assert.rejects(world.broker.enqueue(world.queue, batch), /ready:9 is a string, expected a list/);
      assert.deepEqual(await admin.keys('fl:*'), [keys.ready[9]]);
      await admin.del(keys.ready[9]!);
      await world.broker.enqueue(world.queue, batch);
      assert.equal((await world.broker.stats(world.queue)).counters.enqueued, 3);
    });

    it('stores nothing of a batch for one line when that has a wrong type', async () => {
      await admin.set(keys.ready[9]!, 'a text');
      const batch = await world.batch([entry({ priority: 9 }), entry({ priority: 9 })]);
      await assert.rejects(world.broker.enqueue(world.queue, batch), /ready:9 is a string, expected a list/);
      assert.deepEqual(await admin.keys('fl:*'), [keys.ready[9]]);
      await admin.del(keys.ready[9]!);
      await world.broker.enqueue(world.queue, batch);
      await world.broker.enqueue(world.queue, batch);
      assert.equal(await admin.lLen(keys.ready[9]!), 2);
    });

    it('keeps the jobs of a batch apart by their priorities, in their order', async () => {
      const priorities = [7, 7, 2, 9, 2, 0];
      const jobs = priorities.map((priority, n) => entry({ priority, ...(n === 4 ? { unique: 'k' } : {}) }));
      await world.broker.enqueue(world.queue, await world.batch(jobs));
      for (const priority of [0, 2, 7, 9]) {
        const expected = jobs.filter((_, n) => priorities[n] === priority).map(({ record }) => record);
        assert.deepEqual(await admin.lRange(keys.ready[priority]!, 0, -1), expected);
      }
    });

    it('refuses data of another schema', async () => {
      await admin.hSet(keys.meta, 'schema', '999');
      const daemon = new Daemon(world);
      await assert.rejects(daemon.open(), { code: 'ERR_BROKER_UNFIT', disposition: 'fatal' });
      const batch = { id: newId(), notAfterAt: Date.now() + 35_000, jobs: [entry({})] };
      await assert.rejects(world.broker.enqueue(world.queue, batch), { code: 'ERR_BROKER_UNFIT' });
    });

    it('loses a daemon as soon as its lease is being taken, and lets any sweeper finish', async () => {
      await world.fill(2_300);
      const victim = await world.daemon();
      for (let taken = 0; taken < 2_300; ) taken += (await victim.claim(256)).length;
      await world.advance(LEASE_MS + 1_000);
      const seen = (await world.lease(victim))!;
      const first = await world.broker.reclaim(world.queue, { ...seen, proven: false });
      assert.deepEqual(first, { status: 'reclaimed', moved: 1_000 + 8, more: true });
      assert.deepEqual(await victim.heartbeat(), { status: 'lost' });
      assert.deepEqual(await victim.send(victim.request({ want: 1 })), { status: 'lost' });
      assert.equal(await victim.open(), 'refused');
      await world.broker.closeSession(world.queue, { daemon: victim.id });
      const half = (await world.lease(victim))!;
      assert.equal(half.deadlineAt, -1);
      let reply = await world.broker.reclaim(world.queue, { ...half, proven: false });
      while (reply.status === 'reclaimed' && reply.more) {
        reply = await world.broker.reclaim(world.queue, { ...half, proven: false });
      }
      assert.deepEqual(reply, { status: 'reclaimed', moved: 2_300, more: false });
    });

    it('keeps a late repeat late after the clock jumped ahead and back', async () => {
      const batch = await world.batch([entry({})]);
      assert.equal((await world.broker.enqueue(world.queue, batch)).status, 'stored');
      await world.advance(600_000);
      await (await world.daemon()).exchange();
      await admin.del(keys.batch(batch.id));
      await world.advance(-600_000);
      assert.equal((await world.broker.enqueue(world.queue, batch)).status, 'late');
      assert.equal((await world.broker.stats(world.queue)).ready, 1);
      await world.enqueue({});
    });

    it('robs no daemon when the clock jumps ahead, and frees a dead one soon after it stepped back', async () => {
      const [alive, gone] = [await world.daemon(), await world.daemon()];
      await world.advance(600_000);
      const before = (await world.lease(alive))!;
      await alive.heartbeat();
      const robbed = await world.broker.reclaim(world.queue, { ...before, proven: false });
      assert.deepEqual(robbed, { status: 'alive' });
      await gone.heartbeat();
      await world.advance(-600_000);
      assert((await world.lease(gone))!.deadlineAt <= (await realNow(world.broker, world.queue)) + LEASE_MS);
      await world.advance(LEASE_MS + 1);
      const passed = (await world.lease(gone))!;
      const freed = await world.broker.reclaim(world.queue, { ...passed, proven: false });
      assert.equal(freed.status, 'reclaimed');
    });

    it('tells idle daemons of suspects that come back', async () => {
      const victim = await world.daemon();
      const { signal } = new AbortController();
      await world.enqueue({});
      await world.broker.wait([world.queue], signal);
      const { token } = await victim.claimOne();
      await victim.settle({ type: 'retry', token, delayMs: 0, count: 'recovery', error: '{}' });
      await victim.claimOne();
      await world.broker.wait([world.queue], signal);
      const waiting = world.broker.wait([world.queue], signal);
      assert.equal(await world.reclaim(victim), 1);
      assert.deepEqual(await waiting, [world.queue]);
    });
  });
});

const realNow = async (broker: Broker, queue: string): Promise<number> =>
  (await broker.sweep(queue, { leaseMs: LEASE_MS })).now;
