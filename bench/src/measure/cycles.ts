import type { System } from '../contenders/contender.ts';
import type { JobInput } from '../programs/job-input.ts';
import type { RedisSite } from '../site/redis-server.ts';
import { noops } from './load.ts';
import { startMeter, type Use } from './meter.ts';
import type { Tally } from './tally.ts';

/** Microseconds for each job. */
export interface Cost {
  readonly enqueueRedis: number;
  readonly enqueueProducer: number;
  /** Claim and settle. */
  readonly runRedis: number;
  readonly runWorkers: number;
  /** Enqueue, claim and settle: within scripts only. */
  readonly scripts: number;
  /** Jobs a second while they ran. */
  readonly rate: number;
}

export interface CycleOptions {
  readonly system: System;
  readonly tally: Tally;
  readonly redis: RedisSite;
  readonly pids: readonly number[];
  readonly phase: number;
  /** Of a cycle. */
  readonly jobs: number;
  readonly cycles: number;
  readonly bytes?: number;
  /** Instead of the one queue: jobs are spread over these. */
  readonly queues?: readonly string[];
}

/** Between two looks whether what was claimed before the hold has ended. */
const QUIET_MS = 100;

/**
 * What a job costs while the backlog stays about as large as it is: workers are held, some jobs enqueued, workers
 * released until as many have been run, and so on. Ends with workers held.
 */
export async function costOf(options: CycleOptions): Promise<Cost> {
  const { system, tally, redis, pids, phase, jobs, cycles } = options;
  const inputs = noops(phase, jobs, options.bytes);
  const enqueued: Use[] = [];
  const ran: Use[] = [];
  await system.hold();
  const before = await settled(tally, phase);
  let last = before;
  for (let cycle = 0; cycle < cycles; cycle++) {
    let stop = await startMeter([], redis);
    await spread(system, inputs, options.queues);
    enqueued.push(await stop());
    stop = await startMeter(pids, redis);
    await system.release();
    await tally.until(phase, last + jobs);
    await system.hold();
    ran.push(await stop());
    last = await settled(tally, phase);
  }
  const [sent, done] = [jobs * cycles, last - before];
  const sum = (uses: readonly Use[], of: keyof Use) => uses.reduce((total, use) => total + use[of], 0);
  return {
    enqueueRedis: sum(enqueued, 'redisUs') / sent,
    enqueueProducer: sum(enqueued, 'producerUs') / sent,
    runRedis: sum(ran, 'redisUs') / done,
    runWorkers: sum(ran, 'workersUs') / done,
    scripts: sum(enqueued, 'scriptUs') / sent + sum(ran, 'scriptUs') / done,
    rate: (done * 1e6) / sum(ran, 'wallUs'),
  };
}

async function spread(
  system: System,
  inputs: readonly JobInput[],
  queues?: readonly string[],
): Promise<void> {
  if (queues === undefined) return system.enqueueMany(inputs);
  const share = Math.ceil(inputs.length / queues.length);
  await Promise.all(
    queues.map((queue, index) => system.enqueueMany(inputs.slice(index * share, (index + 1) * share), queue)),
  );
}

/** How many jobs have been run, when no more end. */
async function settled(tally: Tally, phase: number): Promise<number> {
  for (let before = -1; ; ) {
    const { jobs } = tally.count(phase);
    if (jobs === before) return jobs;
    before = jobs;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
}
