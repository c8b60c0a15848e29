/** Redis does not say which key has the wrong type: it is asked for the type of each. */

import type { Clock } from '../../lib/clock.ts';
import { BrokerError } from '../broker-error.ts';
import { wrongType } from './errors.ts';
import type { Reply } from './link.ts';

export const isWrongType = (error: unknown): error is BrokerError =>
  error instanceof BrokerError && error.cause instanceof Error && error.cause.message.includes('WRONGTYPE');

/** `expected`: the keys that were touched, with the type that each must have. `typeOf`: asks the server. */
export interface Naming {
  readonly expected: readonly (readonly [key: string, type: string])[];
  readonly typeOf: (key: string) => Promise<Reply>;
  readonly clock: Clock;
  /** On the monotonic clock: then the call that has failed must have ended. */
  readonly until: number;
}

/** `cause` with the key named; as it is where that cannot be found out in time. Never rejects. */
export async function nameWrongType(
  cause: BrokerError,
  { expected, typeOf, clock, until }: Naming,
): Promise<BrokerError> {
  const named = expected.map(async ([key, type]) => {
    const is = await typeOf(key);
    return is === 'none' || is === type ? null : wrongType(key, String(is), type, cause);
  });
  const found = Promise.all(named).then(
    (errors) => errors.find((error) => error !== null) ?? cause,
    () => cause,
  );
  const answered = new AbortController();
  const late = clock.sleep(Math.max(0, until - clock.monotonic()), answered.signal).then(() => cause);
  const first = await Promise.race([found, late]);
  answered.abort();
  return first;
}
