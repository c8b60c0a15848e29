import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time of processes so far by the scheduler's own count, microseconds: much finer than the ticks of `stat`, for those
 * that do almost nothing. Threads that have ended are left out.
 */
export function scheduledUsOf(pids: readonly number[]): number {
  return pids.flatMap((pid) => [...scheduledUsByThread(pid).values()]).reduce((sum, us) => sum + us, 0);
}

/** The same of each thread of a process, by its id; of none when the process has gone. */
export function scheduledUsByThread(pid: number): ReadonlyMap<string, number> {
  const times = tasksOf(pid).map((task): [string, number] => {
    const [nanoseconds] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
    return [task, Number(nanoseconds) / 1_000];
  });
  return new Map(times);
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has gone
  }
}
