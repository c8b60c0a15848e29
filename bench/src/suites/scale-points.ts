import type { Contender, System } from '../contenders/contender.ts';
import { type Cost, costOf } from '../measure/cycles.ts';
import { noops } from '../measure/load.ts';
import type { Tally } from '../measure/tally.ts';
import { warmUp } from '../measure/warm-up.ts';
import type { RedisSite } from '../site/redis-server.ts';
import type { Workspace } from '../site/workspace.ts';
import type { Arena } from './arena.ts';

/** What was found at one size. */
export interface Point extends Cost {
  /** Of Redis, for each job that waits; NaN where it was not asked. */
  readonly bytes: number;
}

export interface Measuring {
  readonly arena: Arena;
  readonly workspace: Workspace;
  readonly redis: RedisSite;
  /** Of a cycle, and how many of them. */
  readonly jobs: number;
  readonly cycles: number;
}

const HOUR_MS = 3_600_000;
/** Inputs in memory at once. */
const CHUNK = 10_000;
const PHASE = 1;

/** With so many jobs waiting in the queue, or delayed by an hour. */
export function atBacklog(
  contender: Contender,
  waiting: number,
  kind: 'ready' | 'delayed',
  { arena, redis, jobs, cycles }: Measuring,
): Promise<Point> {
  return arena.open(contender, redis, async ({ system, tally }) => {
    await warmUp({ system, tally });
    await system.hold();
    const bytes = await bytesPerJob(redis, waiting, (count) => {
      const inputs = noops(PHASE, count);
      return kind === 'ready' ? system.enqueueMany(inputs) : system.enqueueDelayed(inputs, HOUR_MS);
    });
    const cost = await costOf({ system, tally, redis, pids: system.pids(), phase: PHASE, jobs, cycles });
    return { ...cost, bytes };
  });
}

/** Jobs spread over these queues of one pool. */
export function atQueues(
  contender: Contender,
  queues: readonly string[],
  { arena, redis, jobs, cycles }: Measuring,
): Promise<Point> {
  return arena.open(contender, redis, async ({ system, tally }) => {
    await warmUp({ system, tally }, queues);
    const pids = system.pids();
    const cost = await costOf({ system, tally, redis, pids, phase: PHASE, jobs, cycles, queues });
    return { ...cost, bytes: Number.NaN };
  });
}

/** So many daemons that share one queue, or each of these. */
export function atDaemons(
  contender: Contender,
  daemons: number,
  { arena, workspace, redis, jobs, cycles }: Measuring,
  queues?: readonly string[],
): Promise<Point> {
  return arena.open(contender, redis, async ({ system, tally }) => {
    const others: System[] = [];
    try {
      for (let count = 1; count < daemons; count++)
        others.push(await contender.open({ workspace, redis, probe: tally.folder }));
      const all = together(system, others);
      await warmUp({ system: all, tally }, queues);
      const load = { phase: PHASE, jobs, cycles, ...(queues === undefined ? {} : { queues }) };
      const cost = await costOf({ system: all, tally, redis, pids: all.pids(), ...load });
      return { ...cost, bytes: Number.NaN };
    } finally {
      for (const other of others) await other.close();
    }
  });
}

/** Inputs of so many bytes. */
export function atPayload(
  contender: Contender,
  size: number,
  { arena, redis, jobs, cycles }: Measuring,
): Promise<Point> {
  return arena.open(contender, redis, async ({ system, tally }) => {
    await warmUp({ system, tally });
    await system.hold();
    const bytes = await bytesPerJob(redis, jobs, (count) => system.enqueueMany(noops(2, count, size)));
    await runAll(system, tally, 2, jobs);
    const pids = system.pids();
    const cost = await costOf({ system, tally, redis, pids, phase: PHASE, jobs, cycles, bytes: size });
    return { ...cost, bytes };
  });
}

async function runAll(system: System, tally: Tally, phase: number, jobs: number): Promise<void> {
  await system.release();
  await tally.until(phase, jobs);
}

async function bytesPerJob(
  redis: RedisSite,
  jobs: number,
  enqueue: (count: number) => Promise<void>,
): Promise<number> {
  const before = await redis.memory();
  for (let left = jobs; left > 0; left -= CHUNK) await enqueue(Math.min(CHUNK, left));
  return ((await redis.memory()) - before) / jobs;
}

/** Enqueues through the first; workers of all are held and released. */
function together(first: System, others: readonly System[]): System {
  const all = [first, ...others];
  return {
    ...first,
    hold: async () => {
      await Promise.all(all.map((system) => system.hold()));
    },
    release: async () => {
      await Promise.all(all.map((system) => system.release()));
    },
    pids: () => all.flatMap((system) => system.pids()),
  };
}
