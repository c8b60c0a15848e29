/** bee-queue's side that runs jobs. */

import BeeQueue from 'bee-queue';
import type { JobInput } from './job-input.ts';
import { work } from './work.ts';
import { obey, settingsGiven } from './worker-settings.ts';

const { port, pools, keepResults } = settingsGiven();
const queues = pools.flatMap(({ size, queues }) =>
  queues.map((name) => ({
    size,
    queue: new BeeQueue<JobInput>(name, {
      redis: { host: '127.0.0.1', port },
      getEvents: false,
      sendEvents: false,
      storeJobs: false,
      removeOnSuccess: !keepResults,
    }),
  })),
);
for (const { queue } of queues) queue.on('error', (error) => console.error(error));
await Promise.all(queues.map(({ queue }) => queue.ready()));

let running = false;
obey({
  release: async () => {
    if (running) throw new Error('bee-queue cannot go on after a pause');
    running = true;
    for (const { queue, size } of queues) queue.process(size, async (job) => work(job.data));
  },
  hold: async () => {},
  close: async () => {
    await Promise.all(queues.map(({ queue }) => queue.close(0).catch(() => {})));
  },
});
