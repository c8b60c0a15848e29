/** Which ticks of a schedule are to be fired now: pure, the same in every daemon. */

import { createHash } from 'node:crypto';
import type { EpochMs } from '../lib/clock.ts';
import type { TickSource } from './cron.ts';

/** What happens to ticks that passed while no daemon could fire them. */
export type Missed = 'once' | 'skip' | 'all';

export interface Rule {
  readonly name: string;
  readonly ticks: TickSource;
  /** A tick is fired so long after its nominal time, at most; how long, follows from schedule and tick. */
  readonly jitterMs: number;
  readonly missed: Missed;
}

/** The most ticks that are caught up with, with `missed: all`. */
export const CATCH_UP_LIMIT = 100;
/** A tick that is fired no later than this is not missed. */
export const PUNCTUAL_MS = 60_000;

/** Every so many milliseconds, counted from 1970-01-01T00:00:00Z: every daemon has the same ticks. */
export function everyTicks(everyMs: number): TickSource {
  return { next: (after) => (Math.floor(after / everyMs) + 1) * everyMs };
}

/** When a tick is fired: the same in every daemon. */
export function dueAt({ name, jitterMs }: Pick<Rule, 'name' | 'jitterMs'>, tick: EpochMs): EpochMs {
  if (jitterMs === 0) return tick;
  const share = createHash('sha256').update(`${name} ${tick}`).digest().readUInt32BE(0) / 2 ** 32;
  return tick + Math.floor(share * (jitterMs + 1));
}

export interface Plan {
  /** In their order; the schedule stands at the last of them afterwards. */
  readonly fire: readonly EpochMs[];
  /** When to look again if nothing is to be fired; null: never. */
  readonly nextAt: EpochMs | null;
}

/** `done`: the tick that was fired last. */
export function plan(rule: Rule, done: EpochMs, now: EpochMs): Plan {
  const due = dueTicks(rule, done, now);
  const last = due.at(-1);
  const next = rule.ticks.next(last ?? done);
  return { fire: wanted(rule, due, now), nextAt: next === null ? null : dueAt(rule, next) };
}

function wanted(rule: Rule, due: readonly EpochMs[], now: EpochMs): readonly EpochMs[] {
  if (rule.missed === 'all') return due;
  const last = due.at(-1);
  if (last === undefined) return [];
  return rule.missed === 'once' || now - dueAt(rule, last) <= PUNCTUAL_MS ? [last] : [];
}

/** The latest of the ticks after `done` that are due, at most CATCH_UP_LIMIT, in their order. */
function dueTicks(rule: Rule, done: EpochMs, now: EpochMs): readonly EpochMs[] {
  let ticks: EpochMs[] = [];
  // From near to far: a schedule of seconds that stood still for a month is not counted through.
  for (let span = CATCH_UP_LIMIT * 1_000; ; span *= 4) {
    const start = Math.max(done, now - span);
    ticks = ticksBetween(rule.ticks, start, now);
    if (start === done || ticks.length > CATCH_UP_LIMIT) break;
  }
  const waiting = ticks.findIndex((tick) => dueAt(rule, tick) > now);
  return (waiting < 0 ? ticks : ticks.slice(0, waiting)).slice(-CATCH_UP_LIMIT);
}

function ticksBetween(source: TickSource, after: EpochMs, until: EpochMs): EpochMs[] {
  const ticks: EpochMs[] = [];
  for (let tick = source.next(after); tick !== null && tick <= until; tick = source.next(tick))
    ticks.push(tick);
  return ticks;
}
