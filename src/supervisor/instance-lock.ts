import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';

const PATIENCE_MS = 5_000;
const RETRY_MS = 100;

export interface InstanceLock {
  /** Tells the locked file from any other that is still open somewhere: a copied one, one made anew at the same path. */
  readonly identity: string;
  release(): void;
}

/**
 * The right to be the daemon of this control directory. flock(2) sits on the open file: it ends with this process, however
 * it ends, and no child inherits it. Waits up to 5 s for a predecessor that is just leaving.
 *
 * @throws ForkloopError ERR_ALREADY_RUNNING
 */
export async function acquireInstanceLock(directory: string, clock: Clock): Promise<InstanceLock> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'forkloop.lock');
  const file = openSync(path, 'a', 0o600);
  const deadline = clock.monotonic() + PATIENCE_MS;
  try {
    while (!tryLock(file)) {
      if (clock.monotonic() >= deadline) {
        throw new ForkloopError(
          'ERR_ALREADY_RUNNING',
          `another daemon holds ${path}: stop it (supervisor stop), or give this one its own control.directory`,
        );
      }
      await clock.sleep(RETRY_MS);
    }
  } catch (error) {
    closeSync(file);
    throw error;
  }
  let held = true;
  const { dev, ino } = fstatSync(file);
  return {
    identity: `${dev}:${ino}`,
    release: () => {
      if (held) closeSync(file);
      held = false;
    },
  };
}

/** Node has no flock(2); the command of that name locks a descriptor that it inherits, and the lock outlives it. */
function tryLock(file: number): boolean {
  const { status, error } = spawnSync('flock', ['-n', '-x', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', file],
  });
  if (error !== undefined) {
    throw new ForkloopError(
      'ERR_ALREADY_RUNNING',
      `flock(1) cannot be run (${error.message}): install util-linux, it guards against a second daemon`,
    );
  }
  return status === 0;
}
