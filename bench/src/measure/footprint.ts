import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../../dist/index.js';
import type { Contender, PoolLayout, Site } from '../contenders/contender.ts';
import { type Daemon, startDaemon } from '../contenders/forkloop.ts';
import type { JobInput } from '../programs/job-input.ts';
import { scheduledUsOf } from '../site/idle-cpu.ts';
import { familyOf, type Memory, memoryOf } from '../site/processes.ts';
import type { Workspace } from '../site/workspace.ts';
import { Tally } from './tally.ts';
import { warmUp } from './warm-up.ts';

/** After the start, until a process has done all that it does by itself. */
const REST_MS = 2_000;

/** How a daemon or a peer at rest is looked at. */
export interface Idling {
  /** After the start, until memory and CPU are those of rest. V8 collects what loading has left once that is calm: 8 to 25 s later. */
  readonly restMs: number;
  /** How long its CPU is counted. */
  readonly idleMs: number;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export interface Rest {
  readonly master: Memory;
  readonly children: readonly Memory[];
  /** Of all its processes while idle, percent of one core. */
  readonly idlePercent: number;
}

export interface Standing extends Rest {
  readonly readyMs: number;
  /** `reload --all`: every worker replaced. */
  readonly reloadMs: number;
  /** From SIGTERM to the end, nothing running. */
  readonly drainMs: number;
}

/** A job that runs when the daemon is told to stop takes so long, and has begun so long before. */
const RUNNING_MS = 500;
const BEGUN_MS = 100;
export const LEFT_MS = RUNNING_MS - BEGUN_MS;

/** One life of a daemon without jobs. */
export async function measureStanding(
  pools: readonly PoolLayout[],
  site: Site,
  idling: Idling,
): Promise<Standing> {
  const daemon = await startDaemon({ name: 'forkloop', pools }, site);
  try {
    const rest = await atRest(familyOf(daemon.child.pid), idling);
    const begun = performance.now();
    await daemon.call('reload', { all: true, dry_run: false });
    const reloadMs = performance.now() - begun;
    return { ...rest, readyMs: daemon.readyMs, reloadMs, drainMs: await drain(daemon) };
  } finally {
    await site.workspace.stop(daemon.child, 'SIGKILL');
  }
}

/** From SIGTERM to the end, while so many jobs run that have `LEFT_MS` to go. */
export async function measureBusyDrain(
  pools: readonly PoolLayout[],
  site: Site,
  queue: string,
  jobs: number,
): Promise<number> {
  const daemon = await startDaemon({ name: 'forkloop', pools }, site);
  const client = createClient({ config: daemon.config, enqueueTimeout: '60s' });
  try {
    await pause(REST_MS);
    const input: JobInput = { probe: 'stamp', phase: 1, index: 0, waitMs: RUNNING_MS };
    await client.enqueueMany('bench', new Array(jobs).fill(input), { queue });
    await pause(BEGUN_MS);
    return await drain(daemon);
  } finally {
    await client.close();
    await site.workspace.stop(daemon.child, 'SIGKILL');
  }
}

/** A peer that has run jobs: its children are forked by the first of them. */
export async function measurePeer(contender: Contender, site: Site, idling: Idling): Promise<Rest> {
  const system = await contender.open(site);
  try {
    await warmUp({ system, tally: new Tally(site.probe) }, ['cpu', 'io']);
    return await atRest(system.pids(), idling);
  } finally {
    await system.close();
  }
}

async function atRest(pids: readonly number[], { restMs, idleMs }: Idling): Promise<Rest> {
  await pause(restMs);
  const [master, ...children] = pids;
  const memory = { master: memoryOf(master as number), children: children.map(memoryOf) };
  return { ...memory, idlePercent: await idleOf(pids, idleMs) };
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
