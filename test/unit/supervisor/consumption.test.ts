import assert from 'node:assert/strict';
import type { QueueStats } from '../../../src/broker/messages/operator.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { ConsumptionRule } from '../../../src/supervisor/consumption-rule.ts';
import { ConsumptionWatch } from '../../../src/supervisor/consumption-watch.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('the consumption rule', () => {
  const idle = { claimable: 3, freeSlots: 1, claimed: 0 };

  it('calls a consumer stuck when jobs wait, slots are free and nothing was claimed for 30 s', () => {
    const rule = new ConsumptionRule();
    assert.equal(rule.observe({ now: 0, ...idle }), 'well');
    assert.equal(rule.observe({ now: 29_999, ...idle }), 'well');
    assert.equal(rule.observe({ now: 30_000, ...idle }), 'stuck');
    assert.equal(rule.stuck, true);
  });

  it('says so again every 30 s', () => {
    const rule = new ConsumptionRule();
    const said = [];
    for (let now = 0; now <= 100_000; now += 5_000)
      if (rule.observe({ now, ...idle }) === 'stuck') said.push(now);
    assert.deepEqual(said, [30_000, 60_000, 90_000]);
  });

  for (const [what, change] of [
    ['a job is claimed', { claimed: 1 }],
    ['no job waits', { claimable: 0 }],
    ['no slot is free', { freeSlots: 0 }],
  ] as const) {
    it(`starts over when ${what}`, () => {
      const rule = new ConsumptionRule();
      rule.observe({ now: 0, ...idle });
      assert.equal(rule.observe({ now: 20_000, ...idle, ...change }), 'well');
      const claimed = 'claimed' in change ? change.claimed : 0;
      assert.equal(rule.observe({ now: 40_000, ...idle, claimed }), 'well');
      assert.equal(rule.observe({ now: 69_999, ...idle, claimed }), 'well');
      assert.equal(rule.observe({ now: 70_000, ...idle, claimed }), 'stuck');
      assert.equal(rule.observe({ now: 71_000, ...idle, ...change, claimed: claimed + 1 }), 'freed');
      assert.equal(rule.stuck, false);
    });
  }
});

describe('the consumption watch', () => {
  function setUp() {
    const clock = new FakeClock();
    const logged: string[] = [];
    const asked: string[] = [];
    const consumer = {
      claimed: 0,
      openQueues: ['a', 'b'],
      pool: { name: 'io', free: 1 },
      renewed: 0,
      renew() {
        this.renewed++;
      },
    };
    const broker = {
      ready: 1,
      pausedAt: null as number | null,
      away: false,
      async stats(queue: string): Promise<QueueStats> {
        asked.push(queue);
        if (broker.away) throw new Error('away');
        return { ready: broker.ready, pause: { version: 1, pausedAt: broker.pausedAt } } as QueueStats;
      },
    };
    const log = createLogger((level, message) => logged.push(`${level}: ${message}`));
    const watch = new ConsumptionWatch({ broker, consumers: [consumer], clock, log });
    const pass = async (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        watch.look(clock.monotonic());
        await clock.advance(1_000);
      }
    };
    return { watch, consumer, broker, logged, asked, pass };
  }

  it('tells of a stuck consumer and lets it listen anew, then that it claims again', async () => {
    const { watch, consumer, logged, pass } = setUp();
    await pass(30);
    assert.deepEqual([consumer.renewed, watch.stuck], [0, []]);
    await pass(6);
    assert.deepEqual([consumer.renewed, watch.stuck], [1, ['io']]);
    assert.match(logged[0] ?? '', /^error: stuck/);
    await pass(30);
    assert.equal(consumer.renewed, 2);
    consumer.claimed++;
    await pass(6);
    assert.deepEqual(watch.stuck, []);
    assert.match(logged.at(-1) ?? '', /^info: no longer stuck/);
  });

  it('asks each queue every 5 s while a slot is free, and not at all while none is', async () => {
    const { asked, consumer, pass } = setUp();
    await pass(20);
    assert.equal(asked.length, 8);
    consumer.pool.free = 0;
    await pass(20);
    assert.equal(asked.length, 8);
  });

  it('does not blame the consumer for queues that are paused, and does again once they are not', async () => {
    const { watch, broker, pass } = setUp();
    broker.pausedAt = 1;
    await pass(60);
    assert.deepEqual(watch.stuck, []);
    broker.pausedAt = null;
    await pass(36);
    assert.deepEqual(watch.stuck, ['io']);
  });

  it('does not blame the consumer for a broker that is away, nor for queues that it may not claim from', async () => {
    const away = setUp();
    away.broker.away = true;
    await away.pass(60);
    assert.deepEqual(away.watch.stuck, []);
    const shut = setUp();
    shut.consumer.openQueues = [];
    await shut.pass(60);
    assert.deepEqual(shut.watch.stuck, []);
  });
});
