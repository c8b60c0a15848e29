import { readdirSync, readFileSync } from 'node:fs';

/** One process, told apart from a later one of the same pid. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since the machine's start. */
  readonly startTime: string;
}

/** Children, their children and so on, as they are now. */
export function descendants(pid: number): ProcessId[] {
  const all = livingProcesses();
  const found: ProcessId[] = [];
  const visit = (parent: number) => {
    for (const child of all.filter(({ ppid }) => ppid === parent)) {
      found.push({ pid: child.pid, startTime: child.startTime });
      visit(child.pid);
    }
  };
  visit(pid);
  return found;
}

/** Zombies do not count: they have ended. */
export function isAlive({ pid, startTime }: ProcessId): boolean {
  const found = statOf(pid);
  return found !== null && found.startTime === startTime && found.state !== 'Z';
}

/** Processes whose environment at their start held this text. */
export function processesWithEnvironment(text: string): ProcessId[] {
  return livingProcesses().filter(({ pid }) => readOr(`/proc/${pid}/environ`).includes(text));
}

interface Stat extends ProcessId {
  readonly ppid: number;
  readonly state: string;
}

function livingProcesses(): Stat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== null && stat.state !== 'Z')
    .filter((stat) => stat !== null);
}

function statOf(pid: number): Stat | null {
  const text = readOr(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, ppid, startTime] = [fields[0], fields[1], fields[19]];
  if (state === undefined || ppid === undefined || startTime === undefined) return null;
  return { pid, state, ppid: Number(ppid), startTime };
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** What a process keeps in memory, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

/** The processor time that a process has used, with its threads, without its children. */
export function cpuMs(pid: number): number {
  const HERTZ = 100;
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / HERTZ;
}
