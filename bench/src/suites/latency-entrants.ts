import {
  BEE,
  BULLMQ,
  BULLMQ_SANDBOX,
  type Entrant,
  FORKLOOP_ASYNC,
  FORKLOOP_EMBEDDED,
  FORKLOOP_PROCESS,
  MAIN_ENTRANTS,
} from './entrants.ts';

const named = (name: string): Entrant =>
  MAIN_ENTRANTS.find(({ contender }) => contender.name === name) as Entrant;

export interface Heat {
  /** All of it get the same load: half of what this one runs. */
  readonly pace: Entrant;
  readonly entrants: readonly Entrant[];
}

/** Half a load of one kind of pool would be idling for the other, so each kind has its own. */
export const HEATS: readonly Heat[] = [
  {
    pace: named(BULLMQ),
    entrants: [FORKLOOP_ASYNC, BULLMQ, BEE, FORKLOOP_EMBEDDED].map(named),
  },
  { pace: named(BULLMQ_SANDBOX), entrants: [FORKLOOP_PROCESS, BULLMQ_SANDBOX].map(named) },
];
