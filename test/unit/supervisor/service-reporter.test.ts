import assert from 'node:assert/strict';
import type { Notice } from '../../../src/supervisor/notify-channel.ts';
import {
  type ServiceFacts,
  ServiceReporter,
  statusText,
  watchdogOf,
} from '../../../src/supervisor/service-reporter.ts';

const well: ServiceFacts = { state: 'running', running: 2, brokerUp: true, stuck: [] };

function setUp(watchdogMs: number | null = null) {
  const sent: Notice[] = [];
  let facts: ServiceFacts = { ...well, state: 'starting' };
  const reporter = new ServiceReporter({
    facts: () => facts,
    send: (notice) => sent.push(notice),
    watchdogMs,
    stopMs: () => 65_000,
  });
  return {
    /** What one look says. */
    look(next: Partial<ServiceFacts>, now: number, lateMs = 0): Notice {
      facts = { ...facts, ...next };
      sent.length = 0;
      reporter.look(now, lateMs);
      assert.ok(sent.length <= 1);
      return sent[0] ?? {};
    },
  };
}

describe('what a service manager is told', () => {
  it('is READY once, STOPPING once, and each change of the status', () => {
    const { look } = setUp();
    assert.deepEqual(look({}, 0), { STATUS: 'starting' });
    assert.deepEqual(look({}, 1_000), {});
    assert.deepEqual(look({ state: 'running' }, 2_000), { READY: '1', STATUS: 'ready' });
    assert.deepEqual(look({ running: 7 }, 3_000), {});
    assert.deepEqual(look({ state: 'quiet' }, 4_000), { STATUS: 'quiet: nothing is claimed, 7 jobs run' });
    assert.deepEqual(look({ state: 'running' }, 5_000), { STATUS: 'ready' });
    const { STOPPING, STATUS } = look({ state: 'draining', running: 1 }, 6_000);
    assert.deepEqual([STOPPING, STATUS], ['1', 'draining: 1 job runs']);
    assert.deepEqual(look({ state: 'stopping', running: 0 }, 7_000), { STATUS: 'stopping' });
  });

  it('is a request for more time every 5 s of a stop, until the stop should be over', () => {
    const { look } = setUp();
    look({ state: 'running' }, 0);
    const asked = [];
    for (let now = 100_000; now < 300_000; now += 1_000) {
      if ('EXTEND_TIMEOUT_USEC' in look({ state: 'draining' }, now)) asked.push(now - 100_000);
    }
    assert.deepEqual(asked.slice(0, 3), [0, 5_000, 10_000]);
    assert.equal(asked.at(-1), 75_000);
  });

  it('is that the watchdog may rest, at a third of its patience', () => {
    const { look } = setUp(9_000);
    const fed = [];
    for (let now = 0; now < 10_000; now += 1_000) if ('WATCHDOG' in look({}, now)) fed.push(now);
    assert.deepEqual(fed, [0, 3_000, 6_000, 9_000]);
  });

  it('is at least every 20 s that the watchdog may rest', () => {
    const { look } = setUp(600_000);
    const fed = [];
    for (let now = 0; now <= 60_000; now += 1_000) if ('WATCHDOG' in look({}, now)) fed.push(now);
    assert.deepEqual(fed, [0, 20_000, 40_000, 60_000]);
  });

  it('says nothing to the watchdog in a round that came late, nor where none watches', () => {
    assert.ok(!('WATCHDOG' in setUp(60_000).look({}, 0, 10_001)));
    assert.ok('WATCHDOG' in setUp(60_000).look({}, 0, 9_999));
    assert.ok(!('WATCHDOG' in setUp(2_000).look({}, 0, 1_001)));
    assert.ok(!('WATCHDOG' in setUp(null).look({}, 0)));
  });

  it('feeds the watchdog also when the broker is away', () => {
    assert.ok('WATCHDOG' in setUp(60_000).look({ state: 'running', brokerUp: false }, 0));
  });
});

describe('the status text', () => {
  for (const [facts, text] of [
    [{}, 'ready'],
    [{ brokerUp: false }, 'ready, but the broker does not answer'],
    [{ stuck: ['io', 'cpu'] }, 'ready, but stuck: io, cpu'],
    [{ state: 'draining', running: 0 }, 'draining: 0 jobs run'],
  ] as const satisfies [Partial<ServiceFacts>, string][]) {
    it(`is "${text}"`, () => assert.equal(statusText({ ...well, ...facts }), text));
  }
});

describe('the watchdog of the environment', () => {
  for (const [env, expected] of [
    [{}, null],
    [{ WATCHDOG_USEC: '60000000' }, 60_000],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '7' }, 60_000],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '8' }, null],
    [{ WATCHDOG_USEC: 'soon' }, null],
    [{ WATCHDOG_USEC: '0' }, null],
  ] as const) {
    it(`${JSON.stringify(env)} is ${expected}`, () => assert.equal(watchdogOf(env, 7), expected));
  }
});
