import { beeQueue } from '../contenders/bee-queue.ts';
import { bullmq } from '../contenders/bullmq.ts';
import { type Contender, type PoolLayout, QUEUE } from '../contenders/contender.ts';
import { forkloop } from '../contenders/forkloop.ts';

/** Jobs at once on one event loop: what BullMQ's own documentation recommends at most, and the same for everybody. */
export const SLOTS = 100;
/** Processes, for the cores of the smallest machine that this is made for. */
export const PROCESSES = 2;

export const asyncPool = (size = SLOTS, queue = QUEUE): PoolLayout => ({
  kind: 'async',
  size,
  queues: [queue],
});
export const processPool = (size = PROCESSES, queue = QUEUE): PoolLayout => ({
  kind: 'process',
  size,
  queues: [queue],
});

export interface Entrant {
  readonly contender: Contender;
  /** Where it stores jobs. `embedded`: its own, synced to the disk. */
  readonly store: 'redis' | 'redis, AOF everysec' | 'embedded';
  /** Jobs of a load, against the fastest: so that each works for about as long. */
  readonly share: number;
}

export const FORKLOOP_ASYNC = 'forkloop async';
export const FORKLOOP_PROCESS = 'forkloop process';
export const FORKLOOP_EMBEDDED = 'forkloop async, embedded';
export const BULLMQ = 'BullMQ in-process';
export const BULLMQ_SANDBOX = 'BullMQ sandboxed';
export const BEE = 'bee-queue';

const onRedis = (contender: Contender, share: number): Entrant => ({ contender, store: 'redis', share });
const onAof = (contender: Contender, share: number): Entrant => ({
  contender,
  store: 'redis, AOF everysec',
  share,
});
const embedded = (contender: Contender, share: number): Entrant => ({ contender, store: 'embedded', share });

/** Those of every run. */
export const MAIN_ENTRANTS: readonly Entrant[] = [
  onRedis(forkloop({ name: FORKLOOP_ASYNC, pools: [asyncPool()] }), 1),
  onRedis(bullmq({ name: BULLMQ, pools: [asyncPool()] }), 0.15),
  onRedis(beeQueue({ name: BEE, pools: [asyncPool()] }), 0.3),
  onRedis(forkloop({ name: FORKLOOP_PROCESS, pools: [processPool()] }), 0.6),
  onRedis(bullmq({ name: BULLMQ_SANDBOX, pools: [processPool()] }), 0.05),
  embedded(forkloop({ name: FORKLOOP_EMBEDDED, pools: [asyncPool()] }), 0.6),
  onAof(forkloop({ name: 'forkloop async, AOF everysec', pools: [asyncPool()] }), 1),
  onAof(bullmq({ name: 'BullMQ in-process, AOF everysec', pools: [asyncPool()] }), 0.15),
  onRedis(forkloop({ name: 'forkloop async, results kept', pools: [asyncPool()], keepResults: true }), 0.6),
  onRedis(bullmq({ name: 'BullMQ in-process, results kept', pools: [asyncPool()], keepResults: true }), 0.15),
];

/** Those that a quick run leaves out. */
export const MORE_ENTRANTS: readonly Entrant[] = [
  onRedis(forkloop({ name: 'forkloop async, 1000 slots', pools: [asyncPool(1_000)] }), 1),
  embedded(forkloop({ name: 'forkloop process, embedded', pools: [processPool()] }), 0.4),
  onAof(forkloop({ name: 'forkloop process, AOF everysec', pools: [processPool()] }), 0.6),
  onAof(beeQueue({ name: 'bee-queue, AOF everysec', pools: [asyncPool()] }), 0.3),
  onRedis(
    forkloop({ name: 'forkloop process, results kept', pools: [processPool()], keepResults: true }),
    0.4,
  ),
  embedded(
    forkloop({ name: 'forkloop async, embedded, results kept', pools: [asyncPool()], keepResults: true }),
    0.4,
  ),
];
