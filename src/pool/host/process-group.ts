/** Each forked worker leads a process group of its own, so that what its jobs start ends with it. */

import { existsSync } from 'node:fs';

const SETSID = ['/usr/bin/setsid', '/bin/setsid'].find((path) => existsSync(path)) ?? null;

/**
 * Forks with `setsid` before Node where there is one. The fork takes its program from `process.execPath`, and offers no
 * other way to say so: it is another one for the time of the call. `fork` gets what must come before Node's own arguments.
 */
export function forkAsGroupLeader<Child>(fork: (before: readonly string[]) => Child): Child {
  if (SETSID === null) return fork([]);
  const node = process.execPath;
  process.execPath = SETSID;
  try {
    return fork([node]);
  } finally {
    process.execPath = node;
  }
}

/** SIGKILL to a worker that has not exited, and to all that it has started. */
export function killGroup(pid: number, killOne: () => void): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It leads no group: there is no setsid here, or it was forked this very moment.
    killOne();
  }
}
