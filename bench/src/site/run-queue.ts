import { readFileSync } from 'node:fs';

/** Microseconds that a process's main thread has been ready to run so far and had no core. */
export function queuedUsOf(pid: number): number {
  const [, nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1_000;
}
