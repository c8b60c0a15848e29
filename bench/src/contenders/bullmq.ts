import { Queue } from 'bullmq';
import type { JobInput } from '../programs/job-input.ts';
import type { Contender, ContenderOptions, Site, System } from './contender.ts';
import { queueOf } from './layout.ts';
import { startWorker } from './worker-process.ts';

/** Jobs in one addBulk: more block Redis for long, fewer pay for more round trips. */
const BULK = 1_000;

/** BullMQ: `async` = a function in the worker's process, `process` = its sandbox. */
export function bullmq(options: ContenderOptions): Contender {
  return { name: options.name, open: (site) => open(options, site) };
}

async function open(options: ContenderOptions, { workspace, redis, probe }: Site): Promise<System> {
  if (redis === null) throw new Error('BullMQ needs Redis');
  const connection = { host: '127.0.0.1', port: redis.port };
  // Without this it keeps every completed job for ever.
  const jobOptions = options.keepResults ? { removeOnComplete: { age: 600 } } : { removeOnComplete: true };
  const names = options.pools.flatMap(({ queues }) => queues);
  const queues = new Map(
    names.map((name) => [name, new Queue(name, { connection, defaultJobOptions: jobOptions })]),
  );
  await Promise.all([...queues.values()].map((queue) => queue.waitUntilReady()));
  const settings = { port: redis.port, pools: options.pools, keepResults: options.keepResults ?? false };
  const worker = await startWorker(workspace, 'bullmq-worker', settings, probe);
  await worker.give('release');
  const queueFor = (wanted?: string) => queues.get(queueOf(options, wanted)) as Queue;
  const addBulk = async (inputs: readonly JobInput[], queue?: string, opts = {}) => {
    for (let from = 0; from < inputs.length; from += BULK) {
      const jobs = inputs.slice(from, from + BULK).map((data) => ({ name: 'bench', data, opts }));
      await queueFor(queue).addBulk(jobs);
    }
  };
  return {
    enqueue: async (input, queue) => {
      await queueFor(queue).add('bench', input);
    },
    enqueueMany: addBulk,
    enqueueDelayed: (inputs, delay) => addBulk(inputs, undefined, { delay }),
    hold: () => worker.give('hold'),
    release: () => worker.give('release'),
    pids: () => worker.pids(),
    async close() {
      await worker.close();
      await Promise.all([...queues.values()].map((queue) => queue.close()));
    },
  };
}
