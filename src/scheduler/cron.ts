/**
 * The ticks of a cron expression: minute, hour, day of the month, month, day of the week, on the wall clock of a time zone.
 *
 * When clocks change, an expression whose hour is `*` goes on with real time: every hour that passes has its ticks. Any
 * other names times of the wall clock: each is one tick, also if the clock shows it twice (then the first counts); times
 * that the clock jumps over are one tick together, at the moment of the jump.
 */

import { Cron } from 'croner';
import type { EpochMs } from '../lib/clock.ts';
import { TimeZone } from './time-zone.ts';

/** What makes a schedule fire. Ticks are nominal times: jitter and delays come on top. */
export interface TickSource {
  /** The first tick after a time; null when there is none. */
  next(after: EpochMs): EpochMs | null;
}

/** `problem`: for the author of the expression; `part` says which of the two is wrong. */
export type ParsedCron =
  | {
      readonly ticks: TickSource;
      /** The shortest time between two neighbouring ticks, on a wall clock that is never changed. Looks at the first hundred. */
      shortestGapMs(): number;
    }
  | { readonly problem: string; readonly part: 'expression' | 'timezone' };

const FIELDS = 5;
/** What stands in five fields. A `?` would mean the time of the program's start: every daemon would have ticks of its own. */
const CHARACTERS = /^[0-9A-Za-z*,/#-]+$/;
/** A leap year at its start: from here on every expression that ever fires does so within the years that are looked at. */
const ANY_TIME: EpochMs = Date.UTC(2000, 0, 1);
/** Enough for a few days of hours, and for years of single days. */
const TICKS_FOR_GAP = 100;
/** More than clocks are ever set back. */
const LONGEST_CHANGE_MS = 3 * 3_600_000;

/** Never throws. An expression that never fires, as `0 0 30 2 *`, is a problem. */
export function parseCron(expression: string, timezone: string): ParsedCron {
  const zone = zoneOf(timezone);
  if (zone === null) {
    return {
      part: 'timezone',
      problem: `no time zone is named ${JSON.stringify(timezone)}, write one as in Europe/Paris`,
    };
  }
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== FIELDS) {
    return problem(`${fields.length} fields, write five: minute hour day month weekday, as in "30 3 * * *"`);
  }
  const odd = fields.find((field) => !CHARACTERS.test(field));
  if (odd !== undefined)
    return problem(`${JSON.stringify(odd)} is no field: write numbers, names and * , - /`);
  try {
    const wall = compile(fields, 'UTC');
    if (nextRun(wall, ANY_TIME) === null) return problem('never fires: there is no such day');
    return {
      ticks: fields[1] === '*' ? hourly(compile(fields, timezone)) : onWallClock(wall, zone),
      shortestGapMs: () => shortestGap(wall),
    };
  } catch (error) {
    return problem(messageOf(error));
  }
}

const problem = (text: string): ParsedCron => ({ part: 'expression', problem: text });

const hourly = (cron: Cron): TickSource => ({ next: (after) => nextRun(cron, after) });

function onWallClock(wall: Cron, zone: TimeZone): TickSource {
  return {
    next(after) {
      let local = nextRun(wall, zone.localAt(after) - LONGEST_CHANGE_MS);
      while (local !== null) {
        const tick = zone.instantOf(local);
        if (tick > after) return tick;
        local = nextRun(wall, local);
      }
      return null;
    },
  };
}

function shortestGap(wall: Cron): number {
  let shortest = Number.POSITIVE_INFINITY;
  let tick = nextRun(wall, ANY_TIME);
  for (let n = 1; n < TICKS_FOR_GAP && tick !== null; n++) {
    const next = nextRun(wall, tick);
    if (next !== null) shortest = Math.min(shortest, next - tick);
    tick = next;
  }
  return shortest;
}

/** It only computes: without a function to call it starts no timer. */
const compile = (fields: readonly string[], timezone: string): Cron =>
  new Cron(fields.join(' '), { timezone, mode: '5-part', paused: true });

const nextRun = (cron: Cron, after: EpochMs): EpochMs | null =>
  cron.nextRun(new Date(after))?.getTime() ?? null;

function zoneOf(name: string): TimeZone | null {
  try {
    return new TimeZone(name);
  } catch {
    return null;
  }
}

function messageOf(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, '');
  const range = /^Invalid value for (\w+): (.+)$/.exec(message);
  return range === null ? message : `${NAMES[range[1] ?? ''] ?? range[1]} ${range[2]} is out of range`;
}

const NAMES: Readonly<Record<string, string>> = { dayOfWeek: 'weekday' };
