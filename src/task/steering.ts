/**
 * What a handler may throw to steer its job. Known by a brand, not by `instanceof`: the application and the daemon may
 * hold two copies of this package.
 */

import { ForkloopError } from '../lib/errors.ts';
import { type Duration, parseDuration } from '../lib/units.ts';

const BRAND = Symbol.for('forkloop.steering');

type Steering = { readonly type: 'dead' } | { readonly type: 'retry' | 'snooze'; readonly when: When };
type When = { readonly delayMs: number } | { readonly at: number };

/** The job is dead at once, whatever attempts are left: repeating cannot help. */
export class NonRetryable extends Error {
  override name = 'NonRetryable';
  readonly [BRAND]: Steering = { type: 'dead' };
}

/**
 * The attempt failed (it counts), and the next one comes at the given time instead of the policy's. A number or text of
 * digits is seconds, as in a `Retry-After` header; null or undefined (no header) leaves the time to the policy.
 */
export class RetryAfter extends Error {
  override name = 'RetryAfter';
  readonly [BRAND]: Steering | null;

  constructor(
    when: Duration | Date | string | number | null | undefined,
    message = 'asked to be retried later',
  ) {
    super(message);
    const parsed = when === null || when === undefined ? null : parseWhen(when);
    this[BRAND] = parsed === null ? null : { type: 'retry', when: parsed };
  }
}

/** The job runs again later and nothing is counted: it was not its turn yet. */
export class Snooze extends Error {
  override name = 'Snooze';
  readonly [BRAND]: Steering;

  /** @throws ForkloopError ERR_OPTION_INVALID when the time cannot be understood. */
  constructor(when: Duration | Date) {
    super(`snoozed: ${String(when)}`);
    const parsed = parseWhen(when);
    if (parsed === null)
      throw new ForkloopError(
        'ERR_OPTION_INVALID',
        `Snooze: ${String(when)} is not a time: write '30s' or give a Date`,
      );
    this[BRAND] = { type: 'snooze', when: parsed };
  }
}

/** What a thrown value asks for: with the delay from `now` in whole milliseconds; null for an ordinary error. */
export function steeringOf(
  thrown: unknown,
  now: number,
): { type: 'dead' } | { type: 'retry' | 'snooze'; delayMs: number } | null {
  if (typeof thrown !== 'object' || thrown === null) return null;
  const steering = (thrown as { [BRAND]?: Steering | null })[BRAND] ?? null;
  if (steering === null || steering.type === 'dead') return steering;
  const delayMs = 'delayMs' in steering.when ? steering.when.delayMs : steering.when.at - now;
  return {
    type: steering.type,
    delayMs: Math.min(Math.max(0, Math.round(delayMs)), Number.MAX_SAFE_INTEGER),
  };
}

function parseWhen(when: Date | string | number): When | null {
  if (when instanceof Date) return Number.isNaN(when.getTime()) ? null : { at: when.getTime() };
  const seconds = Number(when);
  if (String(when).trim() !== '' && Number.isFinite(seconds))
    return { delayMs: Math.max(0, seconds * 1_000) };
  const delayMs = parseDuration(String(when));
  if (delayMs !== null) return { delayMs };
  const at = parseHttpDate(String(when));
  return at === null ? null : { at };
}

function parseHttpDate(text: string): number | null {
  const at = globalThis.Date.parse(text);
  return Number.isNaN(at) ? null : at;
}
