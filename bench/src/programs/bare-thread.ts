/** Many jobs at once, in a thread. */
import { parentPort } from 'node:worker_threads';
import type { JobInput } from './job-input.ts';
import { work } from './work.ts';

parentPort?.on('message', async (json: string) => {
  await work(JSON.parse(json) as JobInput);
  parentPort?.postMessage(null);
});
