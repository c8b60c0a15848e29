import { readdirSync, readFileSync } from 'node:fs';

/** Microseconds of CPU of each thread of a process so far, by thread id. */
export function threadsOf(pid: number): ReadonlyMap<string, number> {
  const folder = `/proc/${pid}/task`;
  const cpuOf = (tid: string) => {
    const [ns] = readFileSync(`${folder}/${tid}/schedstat`, 'utf8').split(' ');
    return Number(ns) / 1e3;
  };
  return new Map(readdirSync(folder).map((tid) => [tid, cpuOf(tid)]));
}
