import { existsSync, readFileSync } from 'node:fs';

/** Whether the kernel tells it in files. */
export const KERNEL_TELLS = existsSync('/proc/self/status');

/** Resident bytes of a process by the word of the kernel; null of one that is gone. */
export function residentBytes(pid: number): number | null {
  try {
    return parseResident(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return null;
  }
}

/** Null of a process that has ended and was not waited for: it has no memory. */
export function parseResident(text: string): number | null {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}
