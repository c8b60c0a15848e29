import assert from 'node:assert/strict';
import type { Broker } from '../../../src/broker/broker.ts';
import { decodeJob, encodeJob, recordId } from '../../../src/broker/job-record.ts';
import { MemoryBroker } from '../../../src/broker/memory/memory-broker.ts';
import {
  type ClaimedJob,
  type ExchangeRequest,
  SUSPECT_RECOVERIES,
} from '../../../src/broker/messages/exchange.ts';
import { Consumer } from '../../../src/consumer/consumer.ts';
import { LeaseKeeper } from '../../../src/consumer/lease-keeper.ts';
import { CRASH_LIMIT } from '../../../src/consumer/settlement.ts';
import { SuspectTurn } from '../../../src/consumer/suspect-turn.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { newId } from '../../../src/lib/ids.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { FakePool } from '../../support/fake-pool.ts';
import { flaky } from '../../support/flaky-broker.ts';
import { until } from '../../support/until.ts';

const clock = systemClock;
const done = () => ({ type: 'completed' }) as const;
const LOST = JSON.stringify({ name: 'E', message: 'gone' });
const never = new AbortController().signal;

/** A consumer of the queues over the in-memory broker, with lost calls at will; all is stopped after the test. */
function setUp({
  queues = ['a'],
  slots = 10,
  leaseMs = 30_000,
  fenceAfterMs = 26_000,
  suspectTurn = new SuspectTurn(),
  shared = null as Broker | null,
} = {}) {
  const { broker, ...faults } = flaky(shared ?? new MemoryBroker({ clock }));
  const pool = new FakePool(queues, slots, ['t']);
  const retry = { attempts: 3, backoff: 'fixed', initial: 1, max: 1, jitter: 0 } as const;
  const consumer = new Consumer({
    pool,
    broker,
    queues: queues.map((name) => ({
      name,
      levels: [],
      defaults: { timeoutMs: 1_000, killAfterMs: 1_000, retry },
      resultTtlMs: 60_000,
      maxResultBytes: 1_000,
      keepDead: { count: 100, ageMs: 1e9 },
    })),
    session: { leaseMs, fenceAfterMs, newId },
    suspectTurn,
    onLeaseLost: 'stop',
    clock,
    random: () => 0.5,
    log: silentLogger,
  });
  const enqueue = async (queue: string, count: number, task = 't') => {
    const ids = [];
    for (let from = 0; from < count; from += 256) {
      const records = Array.from({ length: Math.min(256, count - from) }, () => newRecord(task));
      const jobs = records.map((record) => ({ record, delayMs: 0 }));
      await broker.enqueue(queue, { id: newId(), notAfterAt: clock.now() + 35_000, jobs });
      ids.push(...records.map(recordId));
    }
    return ids;
  };
  const keeper = new LeaseKeeper({ sessions: consumer.sessions, heartbeatMs: 50, clock });
  stops.push(async () => {
    faults.mend();
    await pool.stop();
    await consumer.stop(never);
    await keeper.stop();
    if (shared === null) await broker.close();
  });
  return { broker, pool, consumer, keeper, enqueue, ...faults };
}

const newRecord = (task: string) =>
  encodeJob({
    id: newId(),
    task,
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
    input: '{}',
  });

/** Claims the queue's only job as another daemon and loses it until it is a suspect. Returns that daemon's exchanges. */
async function makeSuspect(broker: Broker, queue: string) {
  const daemon = newId();
  let number = 0;
  const exchange = async (what: Pick<ExchangeRequest, 'settle' | 'want' | 'alone'>) => {
    const keep = { leaseMs: 30_000, droppedResultTtlMs: 1, keepDead: { count: 1, ageMs: 1 } };
    const reply = await broker.exchange(queue, { daemon, lane: 0, number: ++number, ...keep, ...what });
    assert(reply.status === 'done');
    return reply.jobs.map(({ token }) => token);
  };
  await broker.open(queue, { daemon, leaseMs: 30_000 });
  let settle: ExchangeRequest['settle'] = [];
  for (let loss = 0; loss < SUSPECT_RECOVERIES; loss++) {
    const [token] = await exchange({ settle, want: 1, alone: false });
    settle = [{ type: 'retry', token: token as string, delayMs: 0, count: 'recovery', error: LOST }];
  }
  await exchange({ settle, want: 0, alone: false });
  return exchange;
}

let stops: (() => Promise<void>)[] = [];

describe('the consumer', () => {
  afterEach(async () => {
    for (const stop of stops) await stop();
    stops = [];
  });

  it('runs every job once and settles it', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    pool.handler = done;
    const ids = await enqueue('a', 1_000);
    await consumer.start();
    await until(async () => (await broker.stats('a')).counters.completed === 1_000);
    assert.equal(pool.given.length, 1_000);
    assert.deepEqual(new Set(pool.given.map(({ id }) => id)), new Set(ids));
    const { ready, inFlight, dead } = await broker.stats('a');
    assert.deepEqual([ready, inFlight, dead], [0, 0, 0]);
  });

  it('takes jobs that come later without waiting for a poll', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    pool.handler = done;
    await consumer.start();
    await until(() => consumer.sessions.every((session) => session.state === 'open'));
    for (let i = 1; i <= 20; i++) {
      await enqueue('a', 1);
      await until(async () => (await broker.stats('a')).counters.completed === i);
    }
  });

  for (const [jobs, runMs, order] of [
    ['jobs that end soon go before', 1, ['given', 'ended', 'wait']],
    ['jobs that take long do not hold up', 50, ['given', 'wait', 'ended']],
  ] as const) {
    it(`${jobs} the next wait for wakes`, async () => {
      const shared = new MemoryBroker({ clock });
      stops.push(() => shared.close());
      const events: string[] = [];
      const wait = shared.wait.bind(shared);
      let waiting = 0;
      shared.wait = async (...args) => {
        events.push('wait');
        waiting++;
        const woken = await wait(...args);
        waiting--;
        return woken;
      };
      const { pool, broker, consumer, enqueue } = setUp({ shared });
      pool.runMs = runMs;
      pool.handler = ({ token }) => {
        events.push('given');
        setImmediate(() => {
          events.push('ended');
          pool.end(token, done());
        });
        return undefined;
      };
      await consumer.start();
      for (let job = 1; job <= 2; job++) {
        await until(() => waiting > 0 && pool.inFlight === 0);
        events.length = 0;
        await enqueue('a', 1);
        await until(async () => (await broker.stats('a')).counters.completed === job && events.length === 3);
      }
      assert.deepEqual(events, order);
    });
  }

  it('claims nothing while it is paused, settles what it held, and claims again when it resumes', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    await enqueue('a', 3);
    await consumer.start();
    await until(() => pool.inFlight === 3);
    consumer.pause();
    await enqueue('a', 2);
    for (const token of [...pool.running.keys()]) pool.end(token, done());
    await until(async () => (await broker.stats('a')).counters.completed === 3);
    assert.deepEqual([(await broker.stats('a')).ready, pool.given.length], [2, 3]);
    assert.deepEqual(consumer.openQueues, []);
    consumer.resume();
    await until(() => pool.given.length === 5);
    assert.equal(consumer.claimed, 5);
    assert.deepEqual(consumer.openQueues, ['a']);
  });

  it('gives back what was claimed while it was being paused', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    await enqueue('a', 3);
    const exchange = broker.exchange.bind(broker);
    let asked = false;
    broker.exchange = (queue, request) => {
      if (!asked) consumer.pause();
      asked = true;
      return exchange(queue, request);
    };
    await consumer.start();
    await until(async () => {
      if (!asked) return false;
      const { ready, inFlight } = await broker.stats('a');
      return ready === 3 && inFlight === 0;
    });
    assert.equal(pool.given.length, 0);
    consumer.resume();
    await until(() => pool.given.length === 3);
  });

  it('stops for good also while it is paused', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    await consumer.start();
    await until(() => consumer.sessions.every((session) => session.state === 'open'));
    consumer.pause();
    await consumer.stop(never);
    consumer.resume();
    await enqueue('a', 1);
    assert.equal(consumer.sessions[0]?.state, 'closed');
    assert.deepEqual([(await broker.stats('a')).ready, pool.given.length], [1, 0]);
  });

  it('listens anew without losing or repeating anything', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    pool.handler = done;
    await consumer.start();
    for (let i = 0; i < 20; i++) {
      await enqueue('a', 10);
      consumer.renew();
    }
    await until(async () => (await broker.stats('a')).counters.completed === 200);
    assert.equal(pool.given.length, 200);
  });

  it('never claims more than the pool has room for', async () => {
    const { pool, consumer, enqueue } = setUp({ slots: 3, queues: ['a', 'b'] });
    let most = 0;
    pool.handler = (delivery) => {
      most = Math.max(most, pool.inFlight);
      queueMicrotask(() => pool.end(delivery.token, done()));
      return undefined;
    };
    await enqueue('a', 200);
    await enqueue('b', 200);
    await consumer.start();
    await until(() => pool.given.length === 400);
    assert.ok(most <= 3, `${most} at once`);
  });

  it('serves its queues in turn, so that a flooded one does not starve the other', async () => {
    const { pool, consumer, enqueue } = setUp({ slots: 1, queues: ['flood', 'trickle'] });
    pool.handler = done;
    await enqueue('flood', 500);
    await enqueue('trickle', 5);
    await consumer.start();
    await until(() => pool.given.filter(({ queue }) => queue === 'trickle').length === 5);
    const before = pool.given.findLastIndex(({ queue }) => queue === 'trickle');
    assert.ok(before < 20, `${before} jobs ran before the last of the small queue`);
  });

  it('runs a failed job again and counts the attempts', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    pool.handler = () => ({ type: 'failed', retryable: true, error: { name: 'E', message: 'm' } });
    await enqueue('a', 1);
    await consumer.start();
    await until(async () => (await broker.stats('a')).dead === 1);
    assert.deepEqual(
      pool.given.map(({ attempt, fence }) => [attempt, fence]),
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
    );
  });

  for (const loss of ['request', 'reply'] as const) {
    it(`repeats an exchange whose ${loss} was lost: every job still runs once`, async () => {
      const { pool, broker, consumer, enqueue, lose } = setUp();
      pool.handler = done;
      await enqueue('a', 100);
      lose('exchange', loss, 5);
      lose('open', loss, 1);
      await consumer.start();
      await until(async () => (await broker.stats('a')).counters.completed === 100);
      assert.equal(new Set(pool.given.map(({ token }) => token)).size, 100);
      assert.equal(pool.given.length, 100);
    });
  }

  it('puts a job of an unknown task aside without counting, and runs the rest', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    pool.handler = done;
    await enqueue('a', 1, 'from.the.future');
    await enqueue('a', 2);
    await consumer.start();
    await until(async () => (await broker.stats('a')).counters.completed === 2);
    assert.equal((await broker.stats('a')).delayed, 1);
  });

  it('gives up what it holds when its lease was taken, and goes on under a new id', async () => {
    const { pool, broker, consumer, enqueue, keeper } = setUp();
    pool.handler = ({ fence }) => (fence > 1 ? done() : undefined);
    await enqueue('a', 3);
    await consumer.start();
    await until(() => pool.inFlight === 3);
    const before = consumer.sessions[0]?.daemon as string;
    const { leases } = await broker.sweep('a', { leaseMs: 30_000 });
    await broker.reclaim('a', { daemon: before, deadlineAt: leases[0]?.deadlineAt as number, proven: true });
    await keeper.start();
    await until(() => pool.aborted.some(({ reason }) => reason === 'lease_lost'));
    await until(async () => (await broker.stats('a')).counters.completed === 3);
    assert.notEqual(consumer.sessions[0]?.daemon, before);
    assert.equal(pool.given.length, 6);
    assert.ok(pool.given.slice(3).every(({ fence }) => fence > 1));
  });

  it('stops its jobs when the lease cannot be renewed in time, and releases them when the broker is back', async () => {
    const { pool, broker, consumer, enqueue, keeper, cut, mend } = setUp({ fenceAfterMs: 150 });
    await enqueue('a', 2);
    await consumer.start();
    await keeper.start();
    await until(() => pool.inFlight === 2);
    cut();
    await until(() => pool.aborted.length > 0);
    assert.equal(pool.aborted[0]?.reason, 'lease_lost');
    pool.handler = done;
    mend();
    await until(async () => (await broker.stats('a')).counters.completed === 2);
    assert.deepEqual(
      pool.given.map(({ attempt }) => attempt),
      [1, 1, 1, 1],
    );
  });

  it('resynchronises after the broker forgot recent exchanges: nothing stays stranded', async () => {
    const { pool, broker, consumer, enqueue } = setUp({ slots: 4 });
    await enqueue('a', 4);
    await consumer.start();
    await until(() => pool.inFlight === 4);
    // A claim nobody knows of and a number that was used up: what a failover to an older copy leaves behind.
    const daemon = consumer.sessions[0]?.daemon as string;
    await enqueue('a', 2);
    const foreign: ExchangeRequest = {
      daemon,
      lane: 1,
      number: 1,
      leaseMs: 30_000,
      settle: [],
      want: 2,
      alone: false,
      droppedResultTtlMs: 1,
      keepDead: { count: 1, ageMs: 1 },
    };
    assert.equal((await broker.exchange('a', foreign)).status, 'done');
    await consumer.sessions[0]?.resync();
    pool.handler = done;
    for (const token of [...pool.running.keys()]) pool.end(token, done());
    await until(async () => (await broker.stats('a')).counters.completed === 6);
  });

  it('gives back a delivery that the broker hands out anew while its first run is being ended', async () => {
    const shared = new MemoryBroker({ clock });
    const { exchange } = shared;
    const settled: string[] = [];
    let handed: ClaimedJob | undefined;
    let again = false;
    shared.exchange = async (queue, request) => {
      settled.push(...request.settle.map(({ type, token }) => `${type} ${token}`));
      const reply = await exchange.call(shared, queue, request);
      if (reply.status !== 'done') return reply;
      handed ??= reply.jobs[0];
      if (!again || handed === undefined) return reply;
      again = false;
      return { ...reply, jobs: [...reply.jobs, handed] };
    };
    const { pool, consumer, enqueue } = setUp({ slots: 4, shared });
    await enqueue('a', 1);
    await consumer.start();
    await until(() => pool.inFlight === 1);
    // The rollback: nothing is in flight there any more. What runs here takes its time to end.
    pool.abort = () => {};
    shared.resync = async () => ({ status: 'synced', tokens: [], now: clock.now() });
    await consumer.sessions[0]?.resync();
    again = true;
    await enqueue('a', 1);
    await until(() => settled.includes(`release ${handed?.token}`));
    assert.equal(pool.given.filter(({ token }) => token === handed?.token).length, 1);
  });

  it('finds in an audit that the broker holds another job for it, though as many', async () => {
    const shared = new MemoryBroker({ clock });
    const { resync } = shared;
    const other = `${newId()}:1`;
    const { pool, consumer, enqueue } = setUp({ slots: 1, shared });
    await enqueue('a', 1);
    await consumer.start();
    await until(() => pool.inFlight === 1);
    const [token = ''] = pool.running.keys();
    shared.resync = async (queue, request) => {
      const reply = await resync.call(shared, queue, request);
      return reply.status === 'synced' ? { ...reply, tokens: [other] } : reply;
    };
    const released: string[] = [];
    const { exchange } = shared;
    shared.exchange = async (queue, request) => {
      released.push(...request.settle.map((one) => `${one.type} ${one.token}`));
      return exchange.call(shared, queue, request);
    };
    await consumer.sessions[0]?.audit();
    assert.deepEqual(pool.aborted[0]?.tokens, [token]);
    await until(() => released.includes(`release ${other}`));
  });

  it('renews a lease by its audits too, also when it has fenced itself', async () => {
    const { consumer, stall, cut, mend } = setUp({ fenceAfterMs: 50 });
    stall('exchange');
    await consumer.start();
    const [session] = consumer.sessions;
    await until(() => session?.state === 'open');
    await until(() => {
      session?.checkFence();
      return session?.state === 'fenced';
    });
    await session?.audit();
    assert.equal(session?.state, 'open');
    cut();
    mend();
  });

  describe('after a rollback that forgot a delivery', () => {
    /** A broker that forgets at the next resync what is in flight; tells what it was asked to settle. */
    function forgetful() {
      const shared = new MemoryBroker({ clock });
      const { exchange, resync } = shared;
      const settled: string[] = [];
      const held = { gap: false, resync: Promise.resolve() };
      shared.exchange = async (queue, request) => {
        const gap = held.gap && request.settle.length > 0;
        if (gap) held.gap = false;
        else settled.push(...request.settle.map(({ token }) => token));
        return gap ? { status: 'gap', last: 0 } : exchange.call(shared, queue, request);
      };
      shared.resync = async (queue, request) => {
        await held.resync;
        const reply = await resync.call(shared, queue, request);
        return reply.status === 'synced' ? { ...reply, tokens: [] } : reply;
      };
      return { ...setUp({ slots: 4, shared }), settled, held };
    }

    it('does not repeat a settlement that it could not place', async () => {
      const { pool, consumer, enqueue, settled, held } = forgetful();
      await enqueue('a', 1);
      await consumer.start();
      await until(() => pool.inFlight === 1);
      held.gap = true;
      const [token = ''] = pool.running.keys();
      pool.end(token, done());
      await until(() => !held.gap && consumer.sessions[0]?.inFlight === 0);
      pool.handler = done;
      await enqueue('a', 1);
      await until(() => settled.some((other) => other !== token));
      assert.equal(settled.includes(token), false);
    });

    it('does not send a settlement that waited meanwhile', async () => {
      const { pool, consumer, enqueue, settled, held } = forgetful();
      await enqueue('a', 1);
      await consumer.start();
      await until(() => pool.inFlight === 1);
      let answer = () => {};
      held.resync = new Promise<void>((resolve) => (answer = resolve));
      const agreed = consumer.sessions[0]?.resync();
      const [token = ''] = pool.running.keys();
      pool.end(token, done());
      answer();
      await agreed;
      pool.handler = done;
      await enqueue('a', 1);
      await until(() => settled.some((other) => other !== token));
      assert.equal(settled.includes(token), false);
    });
  });

  it('runs a suspect alone, after the pool has run empty', async () => {
    const { pool, broker, consumer, enqueue } = setUp({ slots: 4 });
    const lost = { type: 'lost', error: { name: 'E', message: 'gone' } } as const;
    await enqueue('a', 1);
    await consumer.start();
    for (let loss = 0; loss < 2; loss++) {
      await until(() => pool.inFlight === 1);
      pool.end([...pool.running.keys()][0] as string, lost);
      await until(() => pool.inFlight === 0);
    }
    await until(() => pool.inFlight === 1);
    assert.deepEqual(
      pool.given.map(({ alone }) => alone),
      [false, false, true],
    );
    await enqueue('a', 3);
    assert.equal(pool.inFlight, 1);
    pool.handler = done;
    pool.end([...pool.running.keys()][0] as string, done());
    await until(async () => (await broker.stats('a')).counters.completed === 4);
  });

  it('runs a suspect of one pool at a time, and meanwhile what the other pool has beside its suspects', async () => {
    const suspectTurn = new SuspectTurn();
    const store = new MemoryBroker({ clock });
    const [one, two] = ['a', 'b'].map((queue) =>
      setUp({ queues: [queue], slots: 4, suspectTurn, shared: store }),
    );
    assert(one !== undefined && two !== undefined);
    for (const [{ enqueue }, queue] of [
      [one, 'a'],
      [two, 'b'],
    ] as const) {
      await enqueue(queue, 1);
      await makeSuspect(store, queue);
    }
    for (const { pool } of [one, two]) {
      pool.handler = ({ alone }) => (alone ? undefined : done());
    }
    await Promise.all([one.consumer.start(), two.consumer.start()]);
    const running = () => [...one.pool.running.keys(), ...two.pool.running.keys()];
    await until(() => running().length === 1);
    const other = one.pool.inFlight === 1 ? two : one;
    await other.enqueue(other === one ? 'a' : 'b', 3);
    await until(() => other.pool.given.length === 3 && other.pool.inFlight === 0);
    assert.equal(running().length, 1);
    const first = running()[0] as string;
    for (const { pool } of [one, two]) pool.end(first, done());
    await until(() => other.pool.inFlight === 1);
    assert.equal(other.pool.given.at(-1)?.alone, true);
    assert.equal(running().length, 1);
  });

  it('ends a job that took three daemons down while it ran alone, without running it again', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    await enqueue('a', 1);
    for (let loss = 0; loss < SUSPECT_RECOVERIES + CRASH_LIMIT; loss++) {
      const daemon = newId();
      const keep = { leaseMs: 30_000, droppedResultTtlMs: 1, keepDead: { count: 1, ageMs: 1 } };
      await broker.open('a', { daemon, leaseMs: 30_000 });
      const alone = loss >= SUSPECT_RECOVERIES;
      const reply = await broker.exchange('a', {
        daemon,
        lane: 0,
        number: 1,
        settle: [],
        want: 1,
        alone,
        ...keep,
      });
      assert(reply.status === 'done' && reply.jobs[0]?.alone === alone);
      const { leases } = await broker.sweep('a', { leaseMs: 30_000 });
      const deadlineAt = leases.find((lease) => lease.daemon === daemon)?.deadlineAt as number;
      await broker.reclaim('a', { daemon, deadlineAt, proven: true });
    }
    await consumer.start();
    await until(async () => (await broker.stats('a')).dead === 1);
    assert.equal(pool.given.length, 0);
    const [dead] = await broker.list('a', { state: 'dead', limit: 1 });
    const { crashes, error } = decodeJob(dead?.record as string);
    assert.deepEqual([crashes, error?.code], [CRASH_LIMIT, 'ERR_WORKER_CRASHED']);
  });

  it('runs a suspect alone also when it meets it while another queue claims', async () => {
    const { pool, broker, consumer, enqueue } = setUp({ queues: ['a', 'b', 'full'], slots: 4 });
    await enqueue('full', 4);
    await consumer.start();
    await until(() => pool.inFlight === 4);
    for (const queue of ['a', 'b']) {
      await enqueue(queue, 1);
      await makeSuspect(broker, queue);
      await enqueue(queue, 1);
    }
    await clock.sleep(1_300); // a poll makes both queues hungry
    let beside = 0;
    pool.handler = ({ token }) => {
      if (pool.inFlight > 1 && [...pool.running.values()].some(({ alone }) => alone)) beside++;
      setTimeout(() => pool.end(token, done()), 5);
      return undefined;
    };
    for (const token of [...pool.running.keys()]) pool.end(token, done());
    await until(() => pool.given.length === 8 && pool.inFlight === 0);
    assert.equal(pool.given.filter(({ alone }) => alone).length, 2);
    assert.equal(beside, 0);
  });

  it('claims again when another daemon has run the suspect, though a job still runs here', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    await enqueue('a', 1);
    const other = await makeSuspect(broker, 'a');
    await enqueue('a', 1);
    await consumer.start();
    await until(() => pool.inFlight === 1);
    const [suspect] = await other({ settle: [], want: 1, alone: true });
    await other({ settle: [{ type: 'ack', token: suspect as string }], want: 0, alone: false });
    await enqueue('a', 1);
    await until(() => pool.inFlight === 2);
  });

  it('settles what ended during an audit, without waiting for a poll', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    await enqueue('a', 1);
    await consumer.start();
    await until(() => pool.inFlight === 1);
    const audit = consumer.sessions[0]?.audit();
    pool.end([...pool.running.keys()][0] as string, done());
    consumer.quiet();
    await Promise.all([audit, consumer.stop(never)]);
    assert.equal((await broker.stats('a')).counters.completed, 1);
  }).timeout(30_000);

  it('releases what it holds when it stops, counting nothing', async () => {
    const { pool, broker, consumer, enqueue } = setUp();
    await enqueue('a', 5);
    await consumer.start();
    await until(() => pool.inFlight === 5);
    consumer.quiet();
    await pool.stop();
    await consumer.stop(never);
    const { ready, inFlight } = await broker.stats('a');
    assert.deepEqual([ready, inFlight], [5, 0]);
    const [first] = await broker.list('a', { state: 'ready', limit: 1 });
    assert.equal(first?.record.slice(44, 51), '0000000');
    assert.deepEqual((await broker.sweep('a', { leaseMs: 1 })).leases, []);
  });

  it('releases all of it after the deadline as well, as long as the broker answers, however slowly', async () => {
    const inner = new MemoryBroker({ clock });
    let delayMs = 0;
    const slow = new Proxy(inner, {
      get(target, property) {
        if (property !== 'exchange') return Reflect.get(target, property).bind?.(target) ?? target.up;
        return (...given: Parameters<Broker['exchange']>) =>
          clock.sleep(delayMs).then(() => target.exchange(...given));
      },
    });
    const { pool, consumer, enqueue } = setUp({ slots: 600, shared: slow });
    await enqueue('a', 600);
    await consumer.start();
    await until(() => pool.inFlight === 600);
    delayMs = 700;
    consumer.quiet();
    await pool.stop();
    await consumer.stop(AbortSignal.abort());
    const { ready, inFlight } = await inner.stats('a');
    assert.deepEqual([ready, inFlight], [600, 0]);
  }).timeout(30_000);

  it('stops also when the broker goes away while it stops', async () => {
    const { pool, consumer, enqueue, cut, stall } = setUp();
    await enqueue('a', 5);
    await consumer.start();
    await until(() => pool.inFlight === 5);
    stall('exchange');
    consumer.quiet();
    await pool.stop();
    setTimeout(cut, 1_500);
    await consumer.stop(never);
    assert.equal(consumer.sessions[0]?.state, 'closed');
  }).timeout(30_000);

  it('stops within a second or so when the broker is away', async () => {
    const { pool, consumer, enqueue, cut } = setUp();
    await enqueue('a', 5);
    await consumer.start();
    await until(() => pool.inFlight === 5);
    cut();
    consumer.quiet();
    await pool.stop();
    await consumer.stop(never);
    assert.equal(consumer.sessions[0]?.state, 'closed');
  });
});
