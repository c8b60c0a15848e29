import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { PoolLayout, Site } from '../contenders/contender.ts';
import { type Daemon, startDaemon } from '../contenders/forkloop.ts';
import { scheduledUsOf } from '../site/idle-cpu.ts';
import { familyOf, type Memory, memoryOf } from '../site/processes.ts';
import type { Workspace } from '../site/workspace.ts';

/** After the start, until memory and CPU are those of rest. */
const REST_MS = 2_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export interface Standing {
  readonly readyMs: number;
  readonly master: Memory;
  readonly children: readonly Memory[];
  /** Of all its processes while idle, percent of one core. */
  readonly idlePercent: number;
  /** `reload --all`: every worker replaced. */
  readonly reloadMs: number;
  /** From SIGTERM to the end, nothing running. */
  readonly drainMs: number;
}

/** One life of a daemon without jobs. */
export async function measureStanding(
  pools: readonly PoolLayout[],
  site: Site,
  idleMs: number,
): Promise<Standing> {
  const daemon = await startDaemon({ name: 'forkloop', pools }, site);
  try {
    await pause(REST_MS);
    const [master, ...children] = familyOf(daemon.child.pid);
    const memory = { master: memoryOf(master as number), children: children.map(memoryOf) };
    const idlePercent = await idleOf(familyOf(daemon.child.pid), idleMs);
    const begun = performance.now();
    await daemon.call('reload', { all: true, dry_run: false });
    const reloadMs = performance.now() - begun;
    return { ...memory, readyMs: daemon.readyMs, idlePercent, reloadMs, drainMs: await drain(daemon) };
  } finally {
    await site.workspace.stop(daemon.child, 'SIGKILL');
  }
}

async function idleOf(pids: readonly number[], ms: number): Promise<number> {
  const before = scheduledUsOf(pids);
  const begun = performance.now();
  await pause(ms);
  return (scheduledUsOf(pids) - before) / (10 * (performance.now() - begun));
}

async function drain({ child }: Daemon): Promise<number> {
  const exited = once(child.process, 'exit');
  const begun = performance.now();
  child.process.kill('SIGTERM');
  await exited;
  return performance.now() - begun;
}

/** Of a Node.js child that has a channel to its parent and nothing else. */
export async function measureBareChild(workspace: Workspace): Promise<Memory> {
  const program = fileURLToPath(new URL('../programs/bare-child.js', import.meta.url));
  const child = workspace.start(process.execPath, [program], { ipc: true });
  await pause(REST_MS);
  const memory = memoryOf(child.pid);
  await workspace.stop(child, 'SIGKILL');
  return memory;
}
