import { type ContenderOptions, QUEUE } from './contender.ts';

/** The queue that a job for `wanted` goes to: a contender with a single pool has one queue for everything. */
export function queueOf({ pools }: ContenderOptions, wanted: string = QUEUE): string {
  const names = pools.flatMap(({ queues }) => queues);
  return names.includes(wanted) ? wanted : (names[0] as string);
}
