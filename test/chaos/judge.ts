/** The checker of a plan's history, by its broker. */

import { check, type Verdict } from './checker.ts';
import type { Plan } from './faults.ts';
import type { Recorded } from './history.ts';
import { LEASE_MS } from './settings.ts';
import { checkStore } from './store-checker.ts';

/** Tasks of which a job may be dead, and after how many crashes. */
const MAY_DIE = { poison: 3, killer: 3 } as const;

export function checkHistory({ broker }: Plan, history: readonly Recorded[]): Verdict {
  if (broker === 'embedded') return checkStore(history, { mayDie: MAY_DIE });
  return check(history, { leaseMs: LEASE_MS, mayDie: MAY_DIE });
}
