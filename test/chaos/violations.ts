/** What must hold of a run's history; the checker names the one that does not. */
export const INVARIANTS = {
  I1: 'an acknowledged job ends in exactly one state, one that was refused does not exist',
  I2: 'at most one settlement of a delivery is accepted, at most one acknowledgement of a job',
  I3: 'runs of one job overlap only after a lost lease, and no live owner is robbed',
  I4: 'however often a request is sent, it has one effect',
  I5: 'the claims of a job rise; nothing of a taken lease or an old token is accepted',
  I6: 'each tick of a schedule is fired once, in order, none left out',
  I7: 'a crash touches its own job only and is counted once',
  I8: 'a second after the end of a daemon none of its processes is left',
  I9: 'after the last fault all jobs end in time',
  I10: 'a job gets the input that was enqueued',
  I11: 'a daemon that is asked to stop ends with exit code 0 in time and leaves nothing leased',
  I12: 'a job is in one place; what is in flight has a lease; a unique key has a live holder',
  I13: 'at most one job lives under a unique key',
  I14: 'at rest nothing is left behind: keys, processes, open files',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export interface Violation {
  readonly invariant: Invariant;
  readonly t: number;
  readonly text: string;
}

export type Report = (invariant: Invariant, t: number, text: string) => void;
