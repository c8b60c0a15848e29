/** One job at a time, in a process; ends with the one that gives them. */
import type { JobInput } from './job-input.ts';
import { work } from './work.ts';

process.on('disconnect', () => process.exit(0));
process.on('message', async (json: string) => {
  await work(JSON.parse(json) as JobInput);
  process.send?.(null);
});
