import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time of processes so far by the scheduler's own count, microseconds: much finer than the ticks of `stat`, for those
 * that do almost nothing. Threads that have ended are left out.
 */
export function scheduledUsOf(pids: readonly number[]): number {
  let sum = 0;
  for (const pid of pids) {
    for (const task of tasksOf(pid)) {
      const [nanoseconds] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
      sum += Number(nanoseconds) / 1_000;
    }
  }
  return sum;
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has gone
  }
}
