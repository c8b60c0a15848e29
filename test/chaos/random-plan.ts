/** Mixes of faults from a seed: a few at once, of every kind, spread over the load. */

import { type Action, isWire, type Plan, type Rule } from './faults.ts';
import { SeededRandom } from './random.ts';
import { LEASE_MS } from './settings.ts';

const MOST_FAULTS = 6;

/** Longer than a lease with all that its taking needs, or shorter: both sides of the rule. */
const OUTAGES_MS = [300, 1_500, LEASE_MS / 2, LEASE_MS + 2_000];

export function randomPlan(seed: number): Plan {
  const random = new SeededRandom(seed);
  const daemons = random.pick([1, 2, 2, 3, 3] as const);
  const jobs = 200 + random.below(800);
  const poison = random.below(3) === 0;
  return {
    name: `random ${seed}`,
    seed,
    daemons,
    jobs,
    jobsPerSecond: 40 + random.below(100),
    mix: {
      cpu: 0.2,
      slow: 0.1,
      waits: 0.02,
      flaky: 0.05,
      snoozer: 0.05,
      ...(poison ? { poison: 0.02 } : {}),
    },
    schedules: random.below(4),
    faults: Array.from({ length: 1 + random.below(MOST_FAULTS) }, () =>
      randomRule(random, daemons, jobs),
    ).flat(),
  };
}

/** Verbs that come often, with how many a second there are at least. */
const OFTEN = { exchange: 8, heartbeat: 6, sweep: 6, enqueue: 10, fire: 1 } as const;

function randomRule(random: SeededRandom, daemons: number, jobs: number): readonly Rule[] {
  const action = randomAction(random, daemons);
  const ask = () => 1 + random.below(jobs);
  if (action.do === 'rollback') {
    // To something that it can go back to.
    const [first, second] = [ask(), ask()];
    return [
      { on: 'ask', nth: Math.min(first, second), do: 'snapshot' },
      { on: 'ask', nth: Math.max(first, second), do: 'rollback' },
    ];
  }
  if (!isWire(action)) return [{ on: 'ask', nth: ask(), ...action }];
  const on = random.pick(['exchange', 'exchange', 'enqueue', 'heartbeat', 'sweep', 'fire'] as const);
  const nth = 1 + random.below(OFTEN[on] * 6);
  const door = on !== 'enqueue' && random.below(2) === 0 ? { door: `daemon${random.below(daemons)}` } : {};
  return [{ on, nth, ...door, ...action }];
}

/** Any fault that a run on Redis knows. */
export function randomAction(random: SeededRandom, daemons: number): Action {
  const daemon = random.below(daemons);
  const ms = random.pick(OUTAGES_MS);
  const actions: readonly Action[] = [
    { do: 'drop_request' },
    { do: 'drop_reply' },
    { do: 'drop_reply' },
    { do: 'delay', ms: random.pick([50, 2_300]) },
    { do: 'dup', ms: random.pick([0, 500]) },
    { do: 'cut' },
    { do: 'rst' },
    { do: 'blackhole', ms },
    { do: 'kill_child', daemon },
    { do: 'stop_child', daemon, ms },
    { do: 'kill_daemon', daemon, ms: random.pick([0, 300, LEASE_MS + 2_000]) },
    { do: 'stop_daemon', daemon, ms },
    { do: 'restart_daemon', daemon },
    { do: 'reload_daemon', daemon },
    { do: 'stop_redis', ms },
    { do: 'kill_redis', ms: Math.min(ms, LEASE_MS) },
    { do: 'lose_redis', ms: 200 },
    { do: 'rollback' },
    { do: 'full', ms: Math.min(ms, 3_000) },
    { do: 'script_flush' },
    { do: 'client_kill' },
  ];
  return random.pick(actions);
}
