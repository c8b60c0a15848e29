import { bullmq } from '../contenders/bullmq.ts';
import type { Contender } from '../contenders/contender.ts';
import { forkloop } from '../contenders/forkloop.ts';
import { MASTERS } from './arena.ts';
import { asyncPool, BULLMQ, FORKLOOP_ASYNC, SLOTS } from './entrants.ts';
import { atBacklog, atDaemons, atPayload, atQueues, type Measuring, type Point } from './scale-points.ts';

/** What grows, and who is looked at while it does. */
export interface Axis {
  readonly name: string;
  /** Of the size. */
  readonly unit: string;
  readonly contender: Contender;
  readonly sizes: readonly number[];
  readonly quickSizes: readonly number[];
  measure(size: number, measuring: Measuring): Promise<Point>;
}

const ours = forkloop({ name: FORKLOOP_ASYNC, pools: [asyncPool()] });
const theirs = bullmq({ name: BULLMQ, pools: [asyncPool()] });
/** Bytes of inputs in a cycle. */
const PAYLOAD_BUDGET = 64 * 1024 * 1024;

const queuesNamed = (count: number) => Array.from({ length: count }, (_, index) => `queue-${index}`);
const backlog = (contender: Contender, sizes: readonly number[], quickSizes: readonly number[]): Axis => ({
  name: 'backlog',
  unit: 'jobs waiting',
  contender,
  sizes,
  quickSizes,
  measure: (size, measuring) => atBacklog(contender, size, 'ready', measuring),
});

export const AXES: readonly Axis[] = [
  backlog(ours, [10_000, 100_000, 1_000_000], [10_000, 50_000]),
  backlog(theirs, [10_000, 100_000], [5_000]),
  {
    name: 'delayed',
    unit: 'jobs delayed',
    contender: ours,
    sizes: [10_000, 100_000, 1_000_000],
    quickSizes: [10_000],
    measure: (size, measuring) => atBacklog(ours, size, 'delayed', measuring),
  },
  {
    name: 'queues',
    unit: 'queues of a pool',
    contender: ours,
    sizes: [1, 10, 100],
    quickSizes: [1, 10],
    measure(size, measuring) {
      const queues = queuesNamed(size);
      const pools = [{ kind: 'async' as const, size: SLOTS, queues }];
      return atQueues(forkloop({ name: FORKLOOP_ASYNC, pools }), queues, measuring);
    },
  },
  {
    name: 'daemons',
    unit: 'daemons on one Redis',
    contender: ours,
    sizes: [1, 2, 3, 4],
    quickSizes: [1, 2],
    measure: (size, measuring) => atDaemons(ours, size, measuring),
  },
  {
    name: `daemons, ${MASTERS} queues`,
    unit: `daemons on one Redis, ${MASTERS} queues`,
    contender: ours,
    sizes: [1, 4],
    quickSizes: [1, 2],
    measure(size, measuring) {
      const queues = queuesNamed(MASTERS);
      const pools = [{ kind: 'async' as const, size: SLOTS, queues }];
      return atDaemons(forkloop({ name: FORKLOOP_ASYNC, pools }), size, measuring, queues);
    },
  },
  {
    name: 'daemons on a cluster',
    unit: `daemons on a Redis Cluster of ${MASTERS} masters, a queue on each`,
    contender: ours,
    sizes: [1, 2, 3, 4],
    quickSizes: [1, 2],
    async measure(size, measuring) {
      const redis = await measuring.arena.cluster();
      const pools = [{ kind: 'async' as const, size: SLOTS, queues: redis.queues }];
      return atDaemons(
        forkloop({ name: FORKLOOP_ASYNC, pools }),
        size,
        { ...measuring, redis },
        redis.queues,
      );
    },
  },
  {
    name: 'payload',
    unit: 'bytes of input',
    contender: ours,
    sizes: [200, 2_048, 16_384, 65_536, 262_144],
    quickSizes: [200, 16_384],
    measure(size, measuring) {
      const jobs = Math.min(measuring.jobs, Math.ceil(PAYLOAD_BUDGET / size));
      return atPayload(ours, size, { ...measuring, jobs });
    },
  },
];
