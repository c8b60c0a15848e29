/** What the simulated application does: its jobs, how they end, its schedules. */

import { encodeJob } from '../../src/broker/job-record.ts';
import type { QueueSettings } from '../../src/consumer/delivery.ts';
import type { NewId } from '../../src/lib/ids.ts';
import type { Delivery } from '../../src/pool/pool.ts';
import type { Schedule } from '../../src/scheduler/schedule.ts';
import { everyTicks } from '../../src/scheduler/ticks.ts';
import type { Dice } from './dice.ts';
import type { Attempt } from './sim-pool.ts';

export const queueSettings = (name: string): QueueSettings => ({
  name,
  levels: [],
  defaults: {
    timeoutMs: 0,
    killAfterMs: 1_000,
    retry: { attempts: 4, backoff: 'exponential', initial: 500, max: 8_000, jitter: 0.2 },
  },
  resultTtlMs: 60_000,
  maxResultBytes: 1_000_000,
  keepDead: { count: 10_000, ageMs: 30 * 86_400_000 },
});

export function schedulesFor(queues: readonly string[]): readonly Schedule[] {
  const queue = queues[0] as string;
  const common = {
    ...{ task: 'work', queue, cron: null, priority: 4, resultTtlMs: undefined, input: '{"tick":true}' },
  };
  return [
    {
      ...common,
      name: 'every tick',
      everyMs: 7_000,
      ticks: everyTicks(7_000),
      jitterMs: 2_000,
      missed: 'all',
      overlap: 'allow',
    },
    {
      ...common,
      name: 'last tick',
      everyMs: 11_000,
      ticks: everyTicks(11_000),
      jitterMs: 0,
      missed: 'once',
      overlap: 'skip',
    },
  ];
}

/** Texts that a store could spoil: large numbers, empty arrays, characters of several bytes. */
const INPUTS = [
  '{"n":12345678901234567890}',
  '{"list":[],"map":{}}',
  '"häuser 🏠 \\u2028"',
  'null',
  '[1.0,1e400]',
];
const UNIQUE_KEYS = ['a', 'b', 'kö'];

export interface Draft {
  readonly record: string;
  readonly delayMs: number;
}

export function draftJob(dice: Dice, newId: NewId, brokerNow: number): Draft {
  const keepResult = dice.chance(0.2);
  const record = encodeJob({
    id: newId(),
    task: 'work',
    priority: dice.chance(0.5) ? 5 : dice.whole(0, 9),
    keepResult,
    expiresAt: dice.chance(0.05) ? Math.floor(brokerNow + dice.between(500, 30_000)) : 0,
    unique: dice.chance(0.2) ? dice.pick(UNIQUE_KEYS) : null,
    options: keepResult ? { resultTtl: 30_000 } : {},
    input: dice.pick(INPUTS),
  });
  return { record, delayMs: dice.chance(0.2) ? dice.whole(1, 30_000) : 0 };
}

const ERROR = { name: 'Error', message: 'it failed: ü' };

/** Most go well and end soon. */
export function attempt(dice: Dice, delivery: Delivery): Attempt {
  const runMs = dice.chance(0.3) ? dice.between(1_000, 60_000) : dice.between(5, 600);
  const fate = dice.random();
  if (fate < 0.7) return { runMs, outcome: { type: 'completed', result: '{"ok":true}' } };
  if (fate < 0.8) return { runMs, outcome: { type: 'failed', error: ERROR, retryable: true } };
  if (fate < 0.83) return { runMs, outcome: { type: 'failed', error: ERROR, retryable: false } };
  if (fate < 0.87) return { runMs, outcome: { type: 'snoozed', delayMs: dice.whole(0, 8_000) } };
  if (fate < 0.9) return { runMs, outcome: { type: 'timed_out', limit: 'hard', error: ERROR } };
  if (fate < 0.93) return { runMs, outcome: { type: 'interrupted', reason: 'handed_back' } };
  if (fate < 0.97 || delivery.alone) return { runMs, outcome: { type: 'crashed', error: ERROR } };
  return { runMs, outcome: { type: 'lost', error: ERROR } };
}

export const ATTEMPT_IN_PEACE: Attempt = { runMs: 20, outcome: { type: 'completed' } };
