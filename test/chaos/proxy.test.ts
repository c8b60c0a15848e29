import assert from 'node:assert/strict';
import { BrokerError } from '../../src/broker/broker-error.ts';
import { RedisBroker } from '../../src/broker/redis/redis-broker.ts';
import { createClient } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import type { Call } from './calls.ts';
import { type Action, type Rule, RuleBook } from './faults.ts';
import type { Event } from './history.ts';
import { FaultProxy } from './proxy.ts';

/** Long enough for a call on a busy machine; who tests that a call is overdue waits for it. */
const DEADLINE_MS = 1_500;
const DAEMON = 'daemon-a';

describeRedis('chaos proxy', () => {
  let redis: RedisServer;
  before(async () => {
    // The first connection would spend its time on this.
    await import('redis');
    redis = await startRedis();
  });
  after(() => redis.stop());

  /** A broker behind a proxy with these rules, and what the proxy wrote down. */
  async function withProxy(
    rules: readonly Rule[],
    body: (broker: RedisBroker, calls: () => Call[], acted: Action[]) => Promise<void>,
  ): Promise<void> {
    const events: Event[] = [];
    const acted: Action[] = [];
    const proxy = new FaultProxy({
      redisPort: redis.port,
      rules: new RuleBook(rules),
      record: (event) => void events.push(event),
      act: (action) => void acted.push(action),
    });
    const port = await proxy.open('daemon0');
    const broker = new RedisBroker({
      url: `redis://127.0.0.1:${port}`,
      namespace: newId(),
      callDeadlineMs: DEADLINE_MS,
      clock: systemClock,
      random: Math.random,
      newId,
      log: silentLogger,
    });
    await broker.start();
    // On a busy machine the first connection may take longer than a call may.
    await until(() => broker.up);
    try {
      await until(() => broker.up);
      await body(broker, () => events.flatMap((event) => (event.kind === 'call' ? [event.call] : [])), acted);
    } finally {
      await broker.close();
      await proxy.close();
    }
  }

  const open = (broker: RedisBroker, daemon = DAEMON) => broker.open('io', { daemon, leaseMs: 5_000 });
  const beat = (broker: RedisBroker) => broker.heartbeat('io', { daemon: DAEMON, leaseMs: 5_000 });
  const unknown = (error: unknown) => error instanceof BrokerError && error.disposition === 'unknown';
  const executed = (calls: readonly Call[], verb: string) =>
    calls.filter((call) => call.verb === verb && call.reply !== undefined).length;

  it('lets everything through and writes down what was asked and answered', async () => {
    await withProxy([], async (broker, calls) => {
      await open(broker);
      assert.equal((await beat(broker)).status, 'renewed');
      assert.deepEqual(
        calls().filter(({ reply }) => reply !== undefined),
        [
          { verb: 'open', queue: 'io', daemon: DAEMON, reply: 'opened' },
          { verb: 'heartbeat', queue: 'io', daemon: DAEMON, reply: { ...(calls().at(-1)?.reply as object) } },
        ],
      );
    });
  });

  for (const [action, isExecuted] of [
    [{ do: 'drop_request' }, false],
    [{ do: 'cut' }, false],
    [{ do: 'drop_reply' }, true],
    [{ do: 'rst' }, true],
  ] as const) {
    it(`${action.do} hits the second heartbeat only; it is ${isExecuted ? '' : 'not '}executed`, async () => {
      await withProxy([{ on: 'heartbeat', nth: 2, ...action }], async (broker, calls) => {
        await open(broker);
        await beat(broker);
        const before = executed(calls(), 'heartbeat');
        await assert.rejects(beat(broker), unknown);
        await until(() => executed(calls(), 'heartbeat') === before + (isExecuted ? 1 : 0));
        await until(() =>
          beat(broker).then(
            ({ status }) => status === 'renewed',
            () => false,
          ),
        );
      });
    });
  }

  it('delay holds a request until nobody waits for it, then it is executed', async () => {
    await withProxy([{ on: 'open', nth: 1, do: 'delay', ms: 2 * DEADLINE_MS }], async (broker, calls) => {
      await assert.rejects(open(broker), unknown);
      assert.equal(executed(calls(), 'open'), 0);
      await until(() => calls().length === 1);
    });
  });

  it('dup executes a request twice and answers once', async () => {
    await withProxy([{ on: 'heartbeat', nth: 2, do: 'dup', ms: 0 }], async (broker, calls) => {
      await open(broker);
      await beat(broker);
      const before = executed(calls(), 'heartbeat');
      assert.equal((await beat(broker)).status, 'renewed');
      await until(() => executed(calls(), 'heartbeat') === before + 2);
      assert.equal((await beat(broker)).status, 'renewed');
    });
  });

  it('a client whose reply was lost asks again in time, and the job is stored once', async () => {
    const events: Event[] = [];
    // The first is answered NOSCRIPT.
    const proxy = new FaultProxy({
      redisPort: redis.port,
      rules: new RuleBook([{ on: 'enqueue', nth: 2, do: 'drop_reply' }]),
      record: (event) => void events.push(event),
      act: () => {},
    });
    try {
      const url = `redis://127.0.0.1:${await proxy.open('client')}`;
      await using client = createClient({ broker: url, namespace: newId(), enqueueTimeout: '20s' });
      const { id, existing } = await client.enqueue('noop', null, { queue: 'io' });
      assert.equal(existing, false);
      const stored = events.flatMap((event) =>
        event.kind === 'call' && event.call.verb === 'enqueue' && event.call.reply !== undefined
          ? [event.call]
          : [],
      );
      assert.deepEqual(
        stored.map(({ jobs, batch }) => [jobs[0]?.id, batch]),
        [
          [id, stored[0]?.batch],
          [id, stored[0]?.batch],
        ],
      );
    } finally {
      await proxy.close();
    }
  });

  it('blackhole lets nothing through for its time', async () => {
    await withProxy([{ on: 'heartbeat', nth: 2, do: 'blackhole', ms: 2 * DEADLINE_MS }], async (broker) => {
      await open(broker);
      await beat(broker);
      const from = performance.now();
      await until(() =>
        beat(broker).then(
          ({ status }) => status === 'renewed',
          () => false,
        ),
      );
      assert.ok(performance.now() - from >= 2 * DEADLINE_MS);
    });
  });

  it('asks for what is done to processes, and does nothing to the message', async () => {
    await withProxy([{ on: 'open', nth: 1, do: 'kill_child', daemon: 0 }], async (broker, _calls, acted) => {
      assert.equal(await open(broker), 'opened');
      assert.deepEqual(acted, [{ do: 'kill_child', daemon: 0 }]);
    });
  });

  it('writes a call without an answer when Redis is gone in the middle of it', async () => {
    const own = await startRedis();
    const events: Event[] = [];
    const rules = new RuleBook([{ on: 'heartbeat', nth: 1, do: 'kill_redis', ms: 0 }]);
    const record = (event: Event) => void events.push(event);
    // Paused, it gets the call and does not execute it.
    const act = () => {
      process.kill(own.pid, 'SIGSTOP');
      setImmediate(() => void own.kill());
    };
    const proxy = new FaultProxy({ redisPort: own.port, rules, record, act });
    const port = await proxy.open('daemon0');
    const options = {
      namespace: newId(),
      callDeadlineMs: 5_000,
      clock: systemClock,
      random: Math.random,
      newId,
      log: silentLogger,
    };
    const broker = new RedisBroker({ url: `redis://127.0.0.1:${port}`, ...options });
    await broker.start();
    await until(() => broker.up);
    await open(broker);
    await assert.rejects(beat(broker), unknown);
    const last = events.flatMap((event) => (event.kind === 'call' ? [event.call] : [])).at(-1);
    assert.deepEqual(last, { verb: 'heartbeat', queue: 'io', daemon: DAEMON });
    await broker.close();
    await proxy.close();
    await own.stop();
  });
});

describe('chaos rules', () => {
  it('meet the nth request of their verb, from any door or from theirs, once', () => {
    const any: Rule = { on: 'exchange', nth: 3, do: 'drop_reply' };
    const own: Rule = { on: 'exchange', nth: 2, door: 'daemon1', do: 'cut' };
    const rules = new RuleBook([any, own]);
    const met = ['daemon0', 'daemon1', 'daemon0', 'daemon1', 'daemon1', 'daemon0'].map((door) =>
      rules.meet('exchange', door),
    );
    assert.deepEqual(met, [[], [], [any], [own], [], []]);
    assert.deepEqual(rules.unfired, []);
  });
});
