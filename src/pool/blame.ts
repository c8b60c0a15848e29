/** What becomes of the deliveries in a worker that ended. Pure. */

import type { ErrorRecord } from '../lib/errors.ts';
import type { AbortReason, Outcome } from '../task/outcome.ts';

export interface Inside {
  readonly token: string;
  /** Its handler was called; otherwise it waited in the worker's buffer. */
  readonly started: boolean;
  /** Decided before the worker was killed because of it. */
  readonly verdict: Outcome | null;
  readonly aborted: AbortReason | null;
}

export interface Death {
  readonly inside: readonly Inside[];
  /** Jobs that were ended before, but whose code still ran in the worker. */
  readonly zombies: number;
  readonly planned: boolean;
  /** Whom the worker named; `token` null = nobody it could tell. */
  readonly culprit: { readonly token: string | null; readonly error: ErrorRecord } | null;
  /** What the one to blame is given. */
  readonly error: ErrorRecord;
}

/**
 * One that ran alone is to blame. Among several it is the one that the worker named: the others are innocent. Where none is
 * named nobody knows, and all are `lost`. What never started, or whose fate was decided before, is not touched by it.
 */
export function blame(death: Death): ReadonlyMap<string, Outcome> {
  const running = death.inside.filter(({ started }) => started).length + death.zombies;
  return new Map(death.inside.map((one) => [one.token, outcomeOf(one, death, running)]));
}

function outcomeOf(one: Inside, { culprit, planned, error }: Death, running: number): Outcome {
  if (one.verdict !== null) return one.verdict;
  if (culprit !== null && culprit.token === one.token) return { type: 'crashed', error };
  if (one.aborted !== null && one.aborted !== 'timeout') return { type: 'interrupted', reason: one.aborted };
  const named = culprit !== null && culprit.token !== null;
  if (!one.started || planned || named) return { type: 'interrupted', reason: 'handed_back' };
  return running === 1 ? { type: 'crashed', error } : { type: 'lost', error };
}
