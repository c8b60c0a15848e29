/** What is done to daemons on the embedded store: a list of single faults, and mixes from a seed. */

import type { BrokerAction, Plan, ProcessAction, Rule } from './faults.ts';
import { SeededRandom } from './random.ts';

type Fault = ProcessAction | Extract<BrokerAction, { do: 'full' }>;

/** The lease of an embedded store is 30 s. */
const LONGER_THAN_LEASE_MS = 33_000;
const OUTAGES_MS = [300, 1_500, 4_000, 8_000];
const MOST_FAULTS = 6;

const LISTED: readonly (readonly [string, Fault])[] = [
  ['kill a worker', { do: 'kill_child', daemon: 0 }],
  ['stop a worker', { do: 'stop_child', daemon: 0, ms: 4_000 }],
  ['kill the daemon', { do: 'kill_daemon', daemon: 0, ms: 0 }],
  ['kill the daemon, start it later', { do: 'kill_daemon', daemon: 0, ms: 3_000 }],
  ['stop the daemon', { do: 'stop_daemon', daemon: 0, ms: 3_000 }],
  ['stop the daemon for long', { do: 'stop_daemon', daemon: 0, ms: LONGER_THAN_LEASE_MS }],
  ['restart', { do: 'restart_daemon', daemon: 0 }],
  ['reload', { do: 'reload_daemon', daemon: 0 }],
  ['disk full', { do: 'full', ms: 1_500 }],
];

/** Enough to go on for a while after the last fault: then nothing may be refused any more. */
const JOBS = 720;
/** So far apart that a daemon is back when its next fault comes. */
const ORDINALS = [60, 300];

/** `canFill`: there can be a small disk; else what fills it is left out. */
export function embeddedPlans(seed: number, canFill: boolean): Plan[] {
  return LISTED.filter(([, { do: what }]) => canFill || what !== 'full').map(([name, fault], index) => ({
    name: `embedded: ${name}`,
    seed,
    broker: 'embedded',
    daemons: 1,
    jobs: JOBS,
    // All that is asked for while it stands still would be refused: slower then, so that some comes after it.
    jobsPerSecond: 'ms' in fault && fault.ms === LONGER_THAN_LEASE_MS ? 14 : 60,
    mix: {
      cpu: 0.3,
      slow: 0.1,
      waits: 0.02,
      flaky: 0.1,
      snoozer: 0.05,
      ...(index % 2 === 0 ? { poison: 0.02 } : {}),
    },
    schedules: 1,
    faults: ORDINALS.map((nth): Rule => ({ on: 'ask', nth, ...fault })),
  }));
}

export function randomEmbeddedPlan(seed: number, canFill: boolean): Plan {
  // Not the numbers of the plan on Redis with this seed.
  const random = new SeededRandom(seed ^ 0x5eed);
  const jobs = 200 + random.below(800);
  const poison = random.below(3) === 0;
  const faults = Array.from(
    { length: 2 + random.below(MOST_FAULTS - 1) },
    (): Rule => ({ on: 'ask', nth: 1 + random.below(jobs), ...randomFault(random) }),
  );
  return {
    name: `embedded random ${seed}`,
    seed,
    broker: 'embedded',
    daemons: 1,
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
    schedules: random.below(3),
    // The seed decides the rest of the plan where there is no small disk, too.
    faults: faults.filter((rule) => canFill || rule.do !== 'full'),
  };
}

/** Any fault that a run on embedded stores knows. */
export function randomFault(random: SeededRandom, daemons = 1): Fault {
  const daemon = random.below(daemons);
  const ms = random.pick(OUTAGES_MS);
  const faults: readonly Fault[] = [
    { do: 'kill_child', daemon },
    { do: 'stop_child', daemon, ms },
    { do: 'kill_daemon', daemon, ms: random.pick([0, 300, 4_000]) },
    { do: 'kill_daemon', daemon, ms: 0 },
    { do: 'stop_daemon', daemon, ms },
    { do: 'restart_daemon', daemon },
    { do: 'reload_daemon', daemon },
    { do: 'full', ms: Math.min(ms, 3_000) },
  ];
  return random.pick(faults);
}
