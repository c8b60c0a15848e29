import BeeQueue from 'bee-queue';
import type { JobInput } from '../programs/job-input.ts';
import type { Contender, ContenderOptions, Site, System } from './contender.ts';
import { queueOf } from './layout.ts';
import { startWorker } from './worker-process.ts';

const BULK = 1_000;

/** bee-queue, set up as its documentation says for speed: no events, nothing kept of jobs that succeeded. */
export function beeQueue(options: ContenderOptions): Contender {
  return { name: options.name, open: (site) => open(options, site) };
}

async function open(options: ContenderOptions, { workspace, redis, probe }: Site): Promise<System> {
  if (redis === null) throw new Error('bee-queue needs Redis');
  const { port } = redis;
  const queue = new BeeQueue<JobInput>(queueOf(options), {
    redis: { host: '127.0.0.1', port },
    isWorker: false,
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: !options.keepResults,
  });
  await queue.ready();
  const settings = { port, pools: options.pools, keepResults: options.keepResults ?? false };
  let worker = await startWorker(workspace, 'bee-worker', settings, probe);
  await worker.give('release');
  const saveAll = async (jobs: BeeQueue.Job<JobInput>[]) => {
    for (let from = 0; from < jobs.length; from += BULK) {
      const errors = await queue.saveAll(jobs.slice(from, from + BULK));
      if (errors.size > 0) throw [...errors.values()][0];
    }
  };
  return {
    enqueue: async (input) => {
      await queue.createJob(input).save();
    },
    enqueueMany: (inputs) => saveAll(inputs.map((input) => queue.createJob(input))),
    enqueueDelayed: (inputs, delayMs) =>
      saveAll(inputs.map((input) => queue.createJob(input).delayUntil(Date.now() + delayMs))),
    // It cannot pause: its worker begins anew.
    async hold() {
      await worker.close();
      worker = await startWorker(workspace, 'bee-worker', settings, probe);
    },
    release: () => worker.give('release'),
    pids: () => worker.pids(),
    async close() {
      await worker.close();
      await queue.close(1_000);
    },
  };
}
