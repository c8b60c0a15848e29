/** Each forked worker leads a process group of its own, so that what its jobs start ends with it. */

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const SETSID = pathOf('setsid');

/**
 * The kernel continues a worker whose master has died: a stopped one could not end itself. It must not kill: the worker's
 * guard, which ends the whole group, would die before it could.
 */
const CONTINUE = ['--pdeathsig', 'CONT'];

/** What stands before Node on the command line of a worker; found out once, where the first is forked. */
let prefix: readonly string[] | null = null;

/**
 * Forks with `setpriv` and `setsid` before Node where they work. The fork takes its program from `process.execPath`, and
 * offers no other way to say so: it is another one for the time of the call. `fork` gets what must come before Node's own
 * arguments. Call it on the main thread: the kernel watches the thread that forks.
 */
export function forkAsGroupLeader<Child>(fork: (before: readonly string[]) => Child): Child {
  prefix ??= findPrefix();
  const node = process.execPath;
  const [program, ...before] = [...prefix, node];
  process.execPath = program ?? node;
  try {
    return fork(before);
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

function findPrefix(): readonly string[] {
  const setsid = SETSID === null ? [] : [SETSID];
  const setpriv = pathOf('setpriv');
  if (setpriv === null || SETSID === null) return setsid;
  // A hardened service may forbid it: only a try tells.
  const { status } = spawnSync(setpriv, [...CONTINUE, SETSID, '--version'], {
    stdio: 'ignore',
    timeout: 2_000,
  });
  return status === 0 ? [setpriv, ...CONTINUE, ...setsid] : setsid;
}

function pathOf(program: string): string | null {
  return (
    ['/usr/bin', '/bin'].map((folder) => `${folder}/${program}`).find((path) => existsSync(path)) ?? null
  );
}
