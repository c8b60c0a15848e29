import type { Dice } from './dice.ts';
import type { Weather } from './network.ts';
import type { Death } from './sim-store.ts';

/** What a seed has in store: how long, how many, and which faults how often. */
export interface Climate {
  /** So long faults go on, ms. */
  readonly durationMs: number;
  readonly daemons: number;
  readonly queues: readonly string[];
  readonly slots: number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly enqueueTimeoutMs: number;
  /** Batches that the producers send, and the most jobs of one. */
  readonly batches: number;
  readonly largestBatch: number;
  readonly weather: Weather;
  readonly schedules: boolean;
  readonly poison: boolean;
  /** Jobs that are lost, with others, until they run alone. */
  readonly fragile: boolean;
  /** What operators do: so often they look, and then do something. */
  readonly commands: number;
  readonly faults: readonly Fault[];
}

export type Fault = { readonly at: number } & (
  | { readonly type: 'crash'; readonly forMs: number; readonly proven: boolean }
  | { readonly type: 'stop'; readonly forMs: number }
  /** Stopped with the answer to such a call on its way to it. */
  | { readonly type: 'stopAt'; readonly verb: 'exchange' | 'heartbeat'; readonly forMs: number }
  | { readonly type: 'cut'; readonly forMs: number }
  | { readonly type: 'brokerStands'; readonly forMs: number }
  | { readonly type: 'brokerClock'; readonly byMs: number; readonly backAfterMs: number | null }
  | { readonly type: 'daemonClock'; readonly byMs: number }
  | { readonly type: 'full'; readonly forMs: number }
  /** `copies`: what was sent since arrives once more, at another broker as it were. */
  | { readonly type: 'rollback'; readonly lostMs: number; readonly copies: boolean }
  | { readonly type: 'restart'; readonly forMs: number }
  | { readonly type: 'kill'; readonly forMs: number; readonly death: Death; readonly daemons: boolean }
  | { readonly type: 'pause'; readonly forMs: number }
  | { readonly type: 'producerDies' }
);

const TEN_MINUTES = 600_000;

export function climateOf(dice: Dice, store: 'redis' | 'embedded'): Climate {
  const durationMs = dice.whole(60, 110) * 1_000;
  const short = dice.chance(0.7);
  const leaseMs = short ? 16_000 : 30_000;
  const rough = dice.pick([0, 0.5, 1, 2]);
  return {
    durationMs,
    daemons: store === 'embedded' && dice.chance(0.5) ? 1 : dice.whole(2, 3),
    queues: dice.chance(0.6) ? ['a'] : ['a', 'b'],
    ...(dice.chance(0.1)
      ? { slots: 200, batches: dice.whole(4, 10), largestBatch: 600 }
      : { slots: dice.pick([1, 3, 8, 30]), batches: dice.whole(20, 60), largestBatch: 40 }),
    leaseMs,
    heartbeatMs: short ? 4_000 : 5_000,
    enqueueTimeoutMs: dice.pick([2_000, 30_000]),
    weather: {
      lostRequest: 0.06 * rough,
      lostReply: 0.08 * rough,
      late: 0.04 * rough,
      twice: 0.02 * rough,
      slow: dice.pick([0, 0.02, 0.1]),
    },
    schedules: dice.chance(0.4),
    poison: dice.chance(0.2),
    fragile: dice.chance(0.3),
    commands: dice.chance(0.7) ? dice.whole(5, 60) : 0,
    faults: faultsOf(dice, store, durationMs, leaseMs),
  };
}

function faultsOf(dice: Dice, store: 'redis' | 'embedded', durationMs: number, leaseMs: number): Fault[] {
  const span = () =>
    dice.chance(0.3)
      ? dice.between(100, leaseMs)
      : dice.between(leaseMs, dice.chance(0.8) ? 2.5 * leaseMs : 90_000);
  const kinds: [weight: number, make: (at: number) => Fault][] = [
    [3, (at) => ({ at, type: 'crash', forMs: dice.between(100, 20_000), proven: dice.chance(0.3) })],
    [3, (at) => ({ at, type: 'stop', forMs: span() })],
    [
      2,
      (at) => ({
        ...{ at, type: 'stopAt', verb: dice.pick(['exchange', 'heartbeat'] as const) },
        forMs: dice.between(0.7, 3) * leaseMs,
      }),
    ],
    [3, (at) => ({ at, type: 'cut', forMs: span() })],
    [2, (at) => ({ at, type: 'brokerStands', forMs: dice.between(500, 2 * leaseMs) })],
    [
      2,
      (at) => ({
        ...{ at, type: 'brokerClock', byMs: Math.round(dice.between(-TEN_MINUTES, TEN_MINUTES)) },
        backAfterMs: dice.chance(0.5) ? dice.between(100, 20_000) : null,
      }),
    ],
    [1, (at) => ({ at, type: 'daemonClock', byMs: Math.round(dice.between(-TEN_MINUTES, TEN_MINUTES)) })],
    [1, (at) => ({ at, type: 'full', forMs: dice.between(500, 40_000) })],
    [1, (at) => ({ at, type: 'restart', forMs: dice.between(100, 5_000) })],
    [1, (at) => ({ at, type: 'pause', forMs: dice.between(100, 20_000) })],
    [0.3, (at) => ({ at, type: 'producerDies' })],
  ];
  if (store === 'redis') {
    kinds.push([
      3,
      (at) => ({ at, type: 'rollback', lostMs: dice.between(10, 4_000), copies: dice.chance(0.4) }),
    ]);
  } else {
    const deaths: readonly Death[] = ['idle', 'sync', 'cut', 'scattered'];
    kinds.push([
      6,
      (at) => ({
        ...{ at, type: 'kill', forMs: dice.between(10, 3_000) },
        ...{ death: dice.pick(deaths), daemons: dice.chance(0.7) },
      }),
    ]);
  }
  // Not every kind in every seed: what hides behind another fault is found where that one is away.
  const chosen = kinds.filter(() => dice.chance(0.6));
  const count = chosen.length === 0 ? 0 : dice.whole(2, 14);
  let last = 0;
  // Some come in pairs: what one has shaken the other meets.
  const next = () =>
    last > 0 && dice.chance(0.3) ? last + dice.between(0, 8_000) : dice.between(1_000, durationMs);
  return Array.from({ length: count }, () => {
    let ticket = dice.between(
      0,
      chosen.reduce((sum, [weight]) => sum + weight, 0),
    );
    const [, make] =
      chosen.find(([weight]) => {
        ticket -= weight;
        return ticket < 0;
      }) ?? (chosen[0] as (typeof chosen)[number]);
    last = Math.min(durationMs, next());
    return make(last);
  });
}
