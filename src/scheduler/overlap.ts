/**
 * What happens to a tick whose predecessor's job still lives (waits, runs, is retried). `skip`: its job is not stored.
 * `allow`: the jobs are independent of each other.
 */
export type Overlap = 'skip' | 'allow';

/** The unique key of a schedule's jobs; null when any number of them may live. */
export const uniqueKeyOf = (schedule: string, overlap: Overlap): string | null =>
  overlap === 'skip' ? `schedule:${schedule}` : null;
