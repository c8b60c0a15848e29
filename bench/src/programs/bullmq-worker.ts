/** BullMQ's side that runs jobs: one Worker a queue, with a function (in-process) or a file (sandboxed). */

import { fileURLToPath } from 'node:url';
import { Worker } from 'bullmq';
import type { JobInput } from './job-input.ts';
import { work } from './work.ts';
import { obey, settingsGiven } from './worker-settings.ts';

const settings = settingsGiven();
const processor = fileURLToPath(new URL('./bullmq-processor.js', import.meta.url));

const workers = settings.pools.flatMap(({ kind, size, queues }) =>
  queues.map(
    (queue) =>
      new Worker<JobInput>(queue, kind === 'async' ? async (job) => work(job.data) : processor, {
        connection: { host: '127.0.0.1', port: settings.port },
        concurrency: size,
        autorun: false,
        ...(settings.keepResults ? {} : { removeOnComplete: { count: 0 } }),
      }),
  ),
);
for (const worker of workers) worker.on('error', (error) => console.error(error));
await Promise.all(workers.map((worker) => worker.waitUntilReady()));

let running = false;
obey({
  release: async () => {
    for (const worker of workers) {
      if (running) worker.resume();
      else void worker.run();
    }
    running = true;
  },
  hold: async () => {
    if (running) await Promise.all(workers.map((worker) => worker.pause()));
  },
  close: async () => {
    await Promise.all(workers.map((worker) => worker.close(true)));
  },
});
