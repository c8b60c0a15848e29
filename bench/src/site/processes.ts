import { readdirSync, readFileSync } from 'node:fs';

const TICKS_A_SECOND = 100; // of every Linux that Node.js runs on

/** CPU time of processes so far, microseconds; one that has gone counts nothing. */
export function cpuUsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuUs(pid), 0);
}

function cpuUs(pid: number): number {
  const [, rest] = splitStat(pid);
  const fields = rest.split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND) * 1e6 || 0;
}

/** The process, its children and theirs. */
export function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) parents.set(Number(name), Number(splitStat(Number(name))[1].split(' ')[1]));
  }
  const family = [pid];
  for (let index = 0; index < family.length; index++) {
    for (const [child, parent] of parents) if (parent === family[index]) family.push(child);
  }
  return family;
}

export interface Memory {
  readonly rss: number;
  /** Not shared with any other process. */
  readonly private: number;
}

/** Bytes. */
export function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
  return { rss: kib('Rss') * 1024, private: (kib('Private_Dirty') + kib('Private_Clean')) * 1024 };
}

/** The name may contain anything, so the fields are counted from its end. */
function splitStat(pid: number): [string, string] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = stat.lastIndexOf(')');
    return [stat.slice(0, end), stat.slice(end + 2)];
  } catch {
    return ['', ''];
  }
}
