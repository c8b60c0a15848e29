import { readFileSync } from 'node:fs';

/** What the kernel says of a process. */
export interface ProcessLook {
  /** Somebody has stopped it: a signal, a debugger. */
  readonly stopped: boolean;
  /** Of all its threads since it began, in ticks of 10 ms. */
  readonly cpuTicks: number;
}

/** Null where it cannot be told: the process is gone, or this is not Linux. */
export type LookAtProcess = (pid: number) => ProcessLook | null;

export const lookAtProcess: LookAtProcess = (pid) => {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return null;
  }
};

/** The name in brackets may hold anything, brackets and spaces too. */
export function parseStat(text: string): ProcessLook | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const cpuTicks = Number(fields[11]) + Number(fields[12]);
  if (Number.isNaN(cpuTicks)) return null;
  return { stopped: fields[0] === 'T' || fields[0] === 't', cpuTicks };
}
