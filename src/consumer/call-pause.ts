import { BrokerError } from '../broker/broker.ts';
import type { Random } from '../lib/random.ts';

const FIRST_MS = 50;
const LONGEST_MS = 2_000;
/** What only a person can mend is asked for more rarely. */
const FATAL_FIRST_MS = 1_000;
const FATAL_LONGEST_MS = 30_000;

/** Milliseconds before a failed call is repeated: doubling, spread by ± 25 % so that daemons do not come in step. */
export function callPause(error: unknown, attempt: number, random: Random): number {
  const fatal = !(error instanceof BrokerError) || error.disposition === 'fatal';
  const [first, longest] = fatal ? [FATAL_FIRST_MS, FATAL_LONGEST_MS] : [FIRST_MS, LONGEST_MS];
  return Math.min(longest, first * 2 ** Math.min(attempt, 20)) * (0.75 + 0.5 * random());
}
