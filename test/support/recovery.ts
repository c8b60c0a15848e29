/**
 * How long jobs wait when a process that runs them is killed. Real daemons, SIGKILL, and times of the machine's monotonic
 * clock: of the signal by who sends it, of each run by the task itself (test/fixtures/recovery/tasks.mjs).
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, type JobHandle } from '../../src/index.ts';
import { leaseTiming } from '../../src/supervisor/lease-timing.ts';
import { until } from './until.ts';
import { type Daemon, ROOT } from './with-supervisor.ts';

/** The shortest lease that the configuration allows, and the longest heartbeat of it: a recovery takes seconds. */
export const LEASE_MS = 5_000;
export const HEARTBEAT_MS = 500;
export const NAMESPACE = 'recovery';

/** What is promised: docs/reliability.md. */
export const BOUND_MS = {
  worker: 3_000,
  elsewhere: LEASE_MS + leaseTiming(LEASE_MS, HEARTBEAT_MS).graceMs + HEARTBEAT_MS,
  restart: 2_000,
} as const;

export interface Run {
  /** Monotonic ms. */
  readonly t: number;
  readonly pid: number;
  /** The name of the daemon whose worker it is. */
  readonly daemon: string;
  readonly kind: 'start' | 'end' | 'abort';
  readonly id: string;
  readonly fence: number;
}

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A daemon whose jobs write to `history`. */
export const recoveryConfig = (name: string, history: string, broker: Record<string, unknown>) => ({
  name,
  namespace: NAMESPACE,
  tasks: [join(ROOT, 'test/fixtures/recovery/tasks.mjs')],
  broker: { lease: `${LEASE_MS}ms`, heartbeat: `${HEARTBEAT_MS}ms`, ...broker },
  defaults: { timeout: '0s', keep: { results: '10m' } },
  pools: {
    cpu: {
      ...{ kind: 'process', workers: 1, queues: ['cpu'] },
      env: { RECOVERY_HISTORY: history, RECOVERY_DAEMON: name },
    },
    io: {
      ...{ kind: 'async', host: 'process', concurrency: 2, queues: ['io'] },
      env: { RECOVERY_HISTORY: history, RECOVERY_DAEMON: name },
    },
  },
});

/** All that the tasks have written, in the order in which it was written. */
export function readRuns(history: string): Run[] {
  const lines = readFileSync(history, 'utf8').split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Run);
}

/** Of one job: its delivery with this fence has begun. */
export async function started(history: string, id: string, fence: number, ms = 60_000): Promise<Run> {
  const find = () =>
    readRuns(history).find((run) => run.id === id && run.kind === 'start' && run.fence === fence);
  await until(() => find() !== undefined, ms);
  return find() as Run;
}

/** From the death of a worker to the next run of its job. */
export async function killWorker(daemon: Daemon, history: string): Promise<number> {
  return withJob(daemon, history, async ({ pid }, again) => {
    const at = monotonicMs();
    process.kill(pid, 'SIGKILL');
    return (await again()).t - at;
  });
}

/** From the death of the daemon that runs a job to its run by the other one. Afterwards both run. */
export async function killDaemon(
  daemons: Readonly<Record<string, Daemon>>,
  history: string,
): Promise<number> {
  const [any] = Object.values(daemons);
  return withJob(any as Daemon, history, async (first, again) => {
    const victim = daemons[first.daemon] as Daemon;
    const at = monotonicMs();
    victim.kill('SIGKILL');
    await victim.exited;
    const second = await again();
    await victim.start();
    if (second.daemon === first.daemon) throw new Error('the other daemon did not run it');
    return second.t - at;
  });
}

/** From the start of a daemon, on the death of the one before it, to the run of the job which that one ran. */
export async function restartDaemon(daemon: Daemon, history: string): Promise<number> {
  return withJob(daemon, history, async (_first, again) => {
    daemon.kill('SIGKILL');
    await daemon.exited;
    const at = monotonicMs();
    await daemon.start();
    return (await again()).t - at;
  });
}

/** With a job that runs for the first time; its second run is awaited by `again`. It must end by that one. */
async function withJob<T>(
  daemon: Daemon,
  history: string,
  body: (first: Run, again: () => Promise<Run>) => Promise<T>,
): Promise<T> {
  await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
  const handle: JobHandle = await client.enqueue(
    'hold',
    { firstMs: 600_000, laterMs: 0 },
    { queue: 'cpu', result: true },
  );
  const first = await started(history, handle.id, 1);
  const result = await body(first, () => started(history, handle.id, 2));
  const fence = await handle.result({ timeout: '20s' });
  if (fence !== 2) throw new Error(`the job ended by delivery ${String(fence)}`);
  return result;
}
