import { bare } from '../contenders/bare.ts';
import { bullmq } from '../contenders/bullmq.ts';
import type { Contender, PoolLayout } from '../contenders/contender.ts';
import { forkloop } from '../contenders/forkloop.ts';
import { asyncPool, PROCESSES, processPool, SLOTS } from './entrants.ts';

/**
 * A process pool that also has to wait for I/O gets more processes than there are cores: whoever has nothing else would
 * do so.
 */
const LONE_PROCESSES = 8;

const both: readonly PoolLayout[] = [processPool(PROCESSES, 'cpu'), asyncPool(SLOTS, 'io')];

export const FORKLOOP_BOTH = 'forkloop, both pools';
export const FORKLOOP_LONE_PROCESS = 'forkloop, process pool alone';
export const FORKLOOP_LONE_ASYNC = 'forkloop, async pool alone';
export const BULLMQ_BOTH = 'BullMQ, sandboxed + in-process';

export const MIXED_CONTENDERS: readonly Contender[] = [
  forkloop({ name: FORKLOOP_BOTH, pools: both }),
  bullmq({ name: BULLMQ_BOTH, pools: both }),
  forkloop({ name: FORKLOOP_LONE_PROCESS, pools: [processPool(LONE_PROCESSES)] }),
  forkloop({ name: FORKLOOP_LONE_ASYNC, pools: [asyncPool()] }),
  bullmq({ name: 'BullMQ, sandboxed alone', pools: [processPool(LONE_PROCESSES)] }),
  bullmq({ name: 'BullMQ, in-process alone', pools: [asyncPool()] }),
];

/** What nothing of this shape can be far below. It takes one job at a time: only where jobs come alone. */
export const BARE = bare({ name: 'bare programs, nothing kept', pools: both });
