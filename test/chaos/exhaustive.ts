/** Each operation × each single fault of the network × its first three ordinals. */

import type { Verb } from '../../src/broker/redis/scripts.ts';
import type { Plan, Rule, WireAction } from './faults.ts';

const OPERATIONS = [
  'enqueue',
  'open',
  'exchange',
  'heartbeat',
  'resync',
  'close',
  'sweep',
  'reclaim',
  'watermark',
  'fire',
] as const;

/** `delay` is longer than a call may take, so its sender has sent it again by the time it arrives. */
const FAULTS: readonly WireAction[] = [
  { do: 'drop_request' },
  { do: 'drop_reply' },
  { do: 'delay', ms: 2_300 },
  { do: 'dup', ms: 0 },
];

const ORDINALS = [1, 2, 3];

export function exhaustivePlans(seed: number): Plan[] {
  return OPERATIONS.flatMap((on) =>
    FAULTS.flatMap((fault) => ORDINALS.map((nth) => planFor(on, fault, nth, seed))),
  );
}

function planFor(on: (typeof OPERATIONS)[number], fault: WireAction, nth: number, seed: number): Plan {
  return {
    name: `${on} ${nth} ${fault.do}`,
    seed,
    daemons: 2,
    jobs: 60,
    jobsPerSecond: 60,
    mix: { cpu: 0.3, slow: 0.1, flaky: 0.1 },
    schedules: 2,
    faults: [...(PROVOKED[on] ?? []), { on, nth, ...fault }],
  };
}

/** What makes operations happen that a quiet run has none of. */
const PROVOKED: Readonly<Partial<Record<Verb, readonly Rule[]>>> = {
  resync: [
    { on: 'ask', nth: 15, do: 'snapshot' },
    { on: 'ask', nth: 45, do: 'rollback' },
  ],
  reclaim: [
    { on: 'ask', nth: 15, do: 'kill_daemon', daemon: 0, ms: 0 },
    { on: 'ask', nth: 45, do: 'kill_daemon', daemon: 1, ms: 0 },
  ],
  close: [
    { on: 'ask', nth: 15, do: 'restart_daemon', daemon: 0 },
    { on: 'ask', nth: 45, do: 'restart_daemon', daemon: 1 },
  ],
};
