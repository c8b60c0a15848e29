import { BrokerError } from '../broker/broker-error.ts';
import type { Random } from '../lib/random.ts';

const FIRST_MS = 50;
const LONGEST_MS = 2_000;
/** What only a person can mend is asked for more rarely at first; never so rarely that work is late once it is mended. */
const FATAL_FIRST_MS = 1_000;

/** Milliseconds before a failed call is repeated: doubling, spread by ± 25 % so that daemons do not come in step. */
export function callPause(error: unknown, attempt: number, random: Random): number {
  const fatal = !(error instanceof BrokerError) || error.disposition === 'fatal';
  const first = fatal ? FATAL_FIRST_MS : FIRST_MS;
  return Math.min(LONGEST_MS, first * 2 ** Math.min(attempt, 20)) * (0.75 + 0.5 * random());
}
