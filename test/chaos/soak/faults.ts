/** What a soak does to its daemons, and when: from a seed. */

import { randomFault } from '../embedded-plans.ts';
import { type Action, isWire, type Rule } from '../faults.ts';
import { SeededRandom } from '../random.ts';
import { randomAction } from '../random-plan.ts';

export interface SoakFault {
  /** After the one before. */
  readonly afterMs: number;
  readonly rule: Rule;
}

export interface SoakFaultOptions {
  readonly seed: number;
  readonly broker: 'redis' | 'embedded';
  readonly canFill: boolean;
}

const [SHORTEST_MS, LONGEST_MS] = [5_000, 20_000];
export const DAEMONS = 2;
/** The first daemon is stopped, reloaded, cut off, its workers die, but it lives to the end: in it a leak can show. */
const EXPOSED = 1;

/** Without end. What loses data is left out: it would take away what has leaked into it. */
export function* soakFaults({ seed, broker, canFill }: SoakFaultOptions): Generator<SoakFault, never> {
  const random = new SeededRandom(seed);
  for (;;) {
    const action = broker === 'redis' ? randomAction(random, DAEMONS) : randomFault(random, DAEMONS);
    if (losesData(action) || (action.do === 'full' && broker === 'embedded' && !canFill)) continue;
    const afterMs = SHORTEST_MS + random.below(LONGEST_MS - SHORTEST_MS);
    yield { afterMs, rule: ruleOf(action, random) };
  }
}

const losesData = (action: Action): boolean => action.do === 'lose_redis' || action.do === 'rollback';

function ruleOf(action: Action, random: SeededRandom): Rule {
  if (action.do === 'kill_daemon' || action.do === 'restart_daemon')
    return { on: 'ask', nth: 1, ...action, daemon: EXPOSED };
  if (!isWire(action)) return { on: 'ask', nth: 1, ...action };
  const on = random.pick(['exchange', 'exchange', 'enqueue', 'heartbeat', 'sweep', 'fire'] as const);
  return { on, nth: 1, ...action };
}
