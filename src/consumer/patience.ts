import type { Clock } from '../lib/clock.ts';

/** How long settlements are tried at the end with a broker that does not answer. */
const FAREWELL_MS = 1_000;
/** How long with one that does, once the deadline has passed. */
const LONGEST_FAREWELL_MS = 5_000;

export interface Farewell {
  readonly clock: Clock;
  readonly isUp: () => boolean;
  /** Exchanges that have ended so far. */
  readonly answered: () => number;
}

/**
 * Aborts `patience` when the last settlements have been tried for long enough. A healthy broker gets until the deadline, and a
 * little longer while it answers; one that is away gets neither. Looks again and again: one that has just stopped answering
 * is seen only when a call is overdue.
 */
export async function losePatience(
  { clock, isUp, answered }: Farewell,
  patience: AbortController,
  deadline: AbortSignal,
): Promise<void> {
  let before: number;
  let late = 0;
  do {
    before = answered();
    await clock.sleep(FAREWELL_MS, patience.signal);
    if (deadline.aborted) late += FAREWELL_MS;
  } while (
    !patience.signal.aborted &&
    (deadline.aborted ? answered() > before && late < LONGEST_FAREWELL_MS : isUp())
  );
  patience.abort();
}
