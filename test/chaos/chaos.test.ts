/** A short selection of the chaos runs: of each kind of fault one. `npm run chaos` plays them all, and random mixes. */

import assert from 'node:assert/strict';
import { describeRedis } from '../support/redis-server.ts';
import { exhaustivePlans } from './exhaustive.ts';
import type { Plan, Rule } from './faults.ts';
import { play } from './play.ts';

const LISTED = [
  'enqueue 2 drop_reply',
  'exchange 3 drop_reply',
  'resync 1 drop_reply',
  'reclaim 1 dup',
  'fire 1 delay',
];

const plan = (name: string, faults: readonly Rule[], more: Partial<Plan> = {}): Plan => ({
  name,
  seed: 7,
  daemons: 2,
  jobs: 150,
  jobsPerSecond: 75,
  mix: { cpu: 0.3, slow: 0.1, flaky: 0.1, snoozer: 0.05 },
  schedules: 1,
  faults,
  ...more,
});

const PROCESSES: readonly Plan[] = [
  plan(
    'workers that are killed, among poisoned jobs',
    [
      { on: 'ask', nth: 15, do: 'kill_child', daemon: 0 },
      { on: 'ask', nth: 60, do: 'kill_child', daemon: 1 },
    ],
    { mix: { cpu: 0.3, poison: 0.05 } },
  ),
  plan('a daemon that is stopped for longer than its lease', [
    { on: 'ask', nth: 60, do: 'stop_daemon', daemon: 0, ms: 8_000 },
  ]),
  plan('Redis, killed and flushed and cut off', [
    { on: 'ask', nth: 30, do: 'script_flush' },
    { on: 'ask', nth: 60, do: 'client_kill' },
    { on: 'ask', nth: 90, do: 'kill_redis', ms: 500 },
  ]),
];

const EMBEDDED = plan(
  'a mix of faults on an embedded store',
  [
    { on: 'ask', nth: 40, do: 'kill_child', daemon: 0 },
    { on: 'ask', nth: 110, do: 'kill_daemon', daemon: 0, ms: 0 },
    { on: 'ask', nth: 280, do: 'stop_child', daemon: 0, ms: 1_000 },
    { on: 'ask', nth: 310, do: 'stop_daemon', daemon: 0, ms: 1_500 },
  ],
  {
    broker: 'embedded',
    daemons: 1,
    jobs: 350,
    mix: { cpu: 0.3, slow: 0.2, waits: 0.02, flaky: 0.1, poison: 0.01 },
  },
);

describe('chaos on real processes, embedded', () => {
  it(`${EMBEDDED.name}: no violation`, async function () {
    this.timeout(180_000);
    const { violations, unfired, jobs } = await play(EMBEDDED);
    assert.deepEqual(violations, []);
    assert.equal(unfired, 0);
    assert.ok(jobs > 0);
  });
});

describeRedis('chaos on real processes', () => {
  const plans = [...exhaustivePlans(1).filter(({ name }) => LISTED.includes(name)), ...PROCESSES];
  // They wait more than they work: beside each other they take a fraction of the time.
  let playing: Promise<Awaited<ReturnType<typeof play>>>[] = [];
  before(() => {
    playing = [];
  });

  for (const [index, one] of plans.entries()) {
    it(`${one.name}: no violation`, async function () {
      this.timeout(180_000);
      for (let next = playing.length; next <= index + 1 && next < plans.length; next++)
        playing.push(play(plans[next] as Plan));
      const { violations, unfired, jobs } = await (playing[index] as Promise<
        Awaited<ReturnType<typeof play>>
      >);
      assert.deepEqual(violations, []);
      assert.equal(unfired, 0);
      assert.ok(jobs > 0);
    });
  }
});
