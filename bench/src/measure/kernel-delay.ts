import { fileURLToPath } from 'node:url';
import type { RedisServer } from '../site/redis-server.ts';
import type { Child, Workspace } from '../site/workspace.ts';
import { randomFrom } from './random.ts';

/** What waking up costs on this machine, without any job queue; milliseconds. */
export interface KernelDelay {
  /** How late a timer of this process fires, which does nothing else. */
  readonly timer: readonly number[];
  /** A round trip to Redis. */
  readonly ping: readonly number[];
}

/** Spins, without an end to be seen, on so many cores while `act` runs. */
export async function whileSpinning<T>(
  workspace: Workspace,
  processes: number,
  ms: number,
  act: () => Promise<T>,
): Promise<T> {
  const program = fileURLToPath(new URL('../programs/spinner.js', import.meta.url));
  const spinners: Child[] = [];
  try {
    for (let count = 0; count < processes; count++)
      spinners.push(workspace.start(process.execPath, [program, String(60 + ms / 1_000)]));
    await new Promise((resolve) => setTimeout(resolve, 500)); // until they spin
    return await act();
  } finally {
    for (const spinner of spinners) await workspace.stop(spinner, 'SIGKILL');
  }
}

/** Measures for so long, at moments in step with nothing. */
export async function kernelDelay(redis: RedisServer, ms: number, seed: number): Promise<KernelDelay> {
  const random = randomFrom(seed);
  const [timer, ping]: [number[], number[]] = [[], []];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const pause = 5 + Math.floor(20 * random());
    const begun = performance.now();
    await new Promise((resolve) => setTimeout(resolve, pause));
    const fired = performance.now();
    timer.push(Math.max(0, fired - begun - pause));
    await redis.admin.ping();
    ping.push(performance.now() - fired);
  }
  return { timer, ping };
}
