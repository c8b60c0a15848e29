/** The composition root: the only place that sees the whole configuration, and where every part meets the others. */

import { join } from 'node:path';
import type { Broker } from '../broker/broker.ts';
import { openBroker, serveBroker } from '../broker/open.ts';
import { brokerOptionsOf } from '../client/broker-options.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config, PoolConfig } from '../config/schema.ts';
import { workerCount } from '../config/workers.ts';
import { Consumer } from '../consumer/consumer.ts';
import { LeaseKeeper } from '../consumer/lease-keeper.ts';
import { SuspectTurn } from '../consumer/suspect-turn.ts';
import type { Clock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { Service } from '../lib/service.ts';
import { BootGate } from '../pool/boot-gate.ts';
import { RUN_VARIABLE } from '../pool/host/protocol.ts';
import { createPool, KernelOom, type Rehearsal, rehearsePool } from '../pool/open.ts';
import type { PoolOptions } from '../pool/options.ts';
import type { Pool } from '../pool/pool.ts';
import type { RecyclePolicy } from '../pool/recycle.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { TaskInput } from '../task/input-check.ts';
import { CALL_DEADLINE_MS, leaseTiming } from './lease-timing.ts';
import { MemoryWatch } from './memory-watch.ts';
import { queueSettingsOf } from './queue-settings.ts';
import { type CheckInputs, checkSchedules } from './schedule-check.ts';
import { schedulesOf, tasksOf } from './schedules.ts';
import { Sweeper } from './sweeper.ts';

/** The embedded store's lease never leaves its process; these keep the same rules going. */
const EMBEDDED_LEASE = { lease: 30_000, heartbeat: 5_000, on_lease_lost: 'stop' } as const;

export interface BuildOptions {
  readonly loaded: LoadedConfig;
  /** Marks every process of this run. */
  readonly run: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** A lease was opened on a queue under a new id. */
  readonly onSession: (queue: string, daemon: string) => void;
}

export interface Built {
  readonly broker: Broker;
  readonly pools: readonly Pool[];
  readonly consumers: readonly Consumer[];
  readonly scheduler: Scheduler;
  /**
   * Call when pools are ready. @throws ConfigError: schedules of tasks or queues that are not there, or whose input their
   * task refuses.
   */
  readonly check: () => Promise<void>;
  readonly leaseKeeper: LeaseKeeper;
  readonly sweeper: Sweeper;
  readonly leaseMs: number;
}

export function build(options: BuildOptions): Built {
  const { loaded, clock, random, log } = options;
  const { config } = loaded;
  const broker = openBroker({
    ...brokerOptionsOf(loaded),
    callDeadlineMs: CALL_DEADLINE_MS,
    clock,
    random,
    newId,
    log,
  });
  const lease = config.broker.type === 'redis' ? config.broker : EMBEDDED_LEASE;
  const bootGate = new BootGate();
  const kernelOom = new KernelOom();
  const memory = new MemoryWatch(clock);
  const suspectTurn = new SuspectTurn();
  const pairs = Object.entries(config.pools).map(([name, pool]) => {
    const built = createPool(poolOptionsOf(name, pool, options), {
      clock,
      random,
      logger: log.child({ pool: name }),
      bootGate,
      watchMemory: memory.watch,
      kernelOom,
    });
    return { pool: built, consumer: buildConsumer(options, pool, built, broker, lease, suspectTurn) };
  });
  const pools = pairs.map(({ pool }) => pool);
  const schedules = () => schedulesOf(config, pools);
  const consumers = pairs.map(({ consumer }) => consumer);
  const sessions = consumers.flatMap((consumer) => consumer.sessions);
  return {
    broker,
    pools,
    consumers,
    scheduler: new Scheduler({ schedules, broker, clock, newId, log }),
    check: () => checkAtStart(options, pools),
    leaseKeeper: new LeaseKeeper({ sessions, heartbeatMs: lease.heartbeat, clock }),
    sweeper: new Sweeper({
      broker,
      queues: sessions.map(({ queue }) => queue),
      leaseMs: lease.lease,
      intervalMs: lease.heartbeat,
      rule: leaseTiming(lease.lease, lease.heartbeat),
      ownDaemons: () => new Set(sessions.map(({ daemon }) => daemon)),
      clock,
      random,
      log,
    }),
    leaseMs: lease.lease,
  };
}

/** A worker more is started only if there are inputs to check. */
async function checkAtStart(
  { loaded, run, clock, log }: BuildOptions,
  pools: readonly Pool[],
): Promise<void> {
  const tasks = tasksOf(pools);
  if (tasks.size === 0) return;
  const check: CheckInputs = async (inputs) => {
    const rehearsal = await rehearseSchedules(loaded, run, inputs, clock);
    if (rehearsal.type === 'ready') return rehearsal.refused;
    log.warn('the inputs of the schedules were not checked', { reason: rehearsal.reason });
    return [];
  };
  await checkSchedules(loaded, tasks, check, process.env);
}

/** Any pool would do: all load the same modules. */
export function rehearseSchedules(
  loaded: LoadedConfig,
  run: string,
  inputs: readonly TaskInput[],
  clock: Clock,
): Promise<Rehearsal> {
  const [pool = ''] = Object.keys(loaded.config.pools);
  return rehearsePool(poolOptionsFor(pool, loaded, run, 0), inputs, clock);
}

function buildConsumer(
  { loaded: { config }, clock, random, log, onSession }: BuildOptions,
  poolConfig: PoolConfig,
  pool: Pool,
  broker: Broker,
  lease: { readonly lease: number; readonly heartbeat: number; readonly on_lease_lost: 'stop' | 'continue' },
  suspectTurn: SuspectTurn,
): Consumer {
  return new Consumer({
    pool,
    broker,
    queues: queueSettingsOf(config, poolConfig),
    session: {
      leaseMs: lease.lease,
      fenceAfterMs: leaseTiming(lease.lease, lease.heartbeat).fenceAfterMs,
      newId,
    },
    suspectTurn,
    onLeaseLost: lease.on_lease_lost,
    onSession,
    clock,
    random,
    log: log.child({ pool: pool.name }),
  });
}

function poolOptionsOf(
  name: string,
  pool: PoolConfig,
  { loaded, run }: Pick<BuildOptions, 'loaded' | 'run'>,
): PoolOptions {
  const { config, modules } = loaded;
  const { restart, env } = pool;
  return {
    name,
    kind: pool.kind,
    queues: pool.queues,
    modules,
    required: pool.required,
    env: { ...env, [RUN_VARIABLE]: run },
    readyTimeout: pool.ready_timeout,
    coldGrace: config.shutdown.cold_grace,
    restart: { ...restart, stableAfter: restart.stable_after },
    recycle: recyclePolicyOf(pool),
    drainTimeout: config.shutdown.drain_timeout,
    ...hostOptionsOf(pool),
    ...heapOptionsOf(pool),
  };
}

/** An idle child of a process pool that does not answer for so long is hung. */
const IDLE_BLOCK_MS = 15_000;

function hostOptionsOf(
  pool: PoolConfig,
): Pick<PoolOptions, 'host' | 'workers' | 'concurrency' | 'blockTimeout' | 'stallTimeout'> {
  if (pool.kind === 'async') {
    const { host, concurrency, block_timeout } = pool;
    return { host, workers: 1, concurrency, blockTimeout: block_timeout };
  }
  const { stall_timeout: stallTimeout } = pool;
  return {
    workers: workerCount(pool.workers),
    concurrency: 1,
    blockTimeout: IDLE_BLOCK_MS,
    ...(stallTimeout === undefined ? {} : { stallTimeout }),
  };
}

function recyclePolicyOf({ recycle }: PoolConfig): RecyclePolicy {
  const { max_jobs, max_age, max_rss } = recycle ?? {};
  return {
    ...(max_jobs === undefined ? {} : { maxJobs: max_jobs }),
    ...(max_age === undefined ? {} : { maxAge: max_age }),
    ...(max_rss === undefined ? {} : { maxRss: max_rss }),
  };
}

/** Of max_rss.hard: so the JavaScript heap fills first, and V8 says what a kill could not. */
const HEAP_SHARE = 0.75;

/** Both: an async pool in a thread runs its suspects in a child. */
function heapOptionsOf({
  max_heap,
  recycle,
}: PoolConfig): Pick<PoolOptions, 'maxOldSpaceMb' | 'resourceLimits'> {
  const hard = recycle?.max_rss?.hard;
  const heap = max_heap ?? (hard === undefined ? undefined : hard * HEAP_SHARE);
  if (heap === undefined) return {};
  const mb = Math.round(heap / 1024 ** 2);
  return { maxOldSpaceMb: mb, resourceLimits: { maxOldGenerationSizeMb: mb } };
}

/** The old ones go on when new code has taken away a task of theirs. */
export function configureSchedules({ config }: LoadedConfig, { pools, scheduler }: Built, log: Logger): void {
  try {
    scheduler.replace(schedulesOf(config, pools));
  } catch (error) {
    log.error('the schedules stay as they were', { error: (error as Error).message });
  }
}

/** What a pool of this configuration is made with, or rolled to. */
export function poolOptionsFor(
  name: string,
  loaded: LoadedConfig,
  run: string,
  generation: number,
): PoolOptions {
  const pool = loaded.config.pools[name];
  if (pool === undefined) throw new ForkloopError('ERR_INTERNAL', `the configuration has no pool ${name}`);
  return { ...poolOptionsOf(name, pool, { loaded, run }), generation };
}

/** The number of workers of process pools. */
export function scalePools({ config }: LoadedConfig, { pools }: Built): void {
  for (const pool of pools) {
    const poolConfig = config.pools[pool.name];
    if (poolConfig?.kind === 'process') pool.scale(workerCount(poolConfig.workers));
  }
}

/** Settings that the consumers hold. */
export function configureConsumers({ config }: LoadedConfig, { pools, consumers }: Built): void {
  for (const [index, pool] of pools.entries()) {
    const poolConfig = config.pools[pool.name];
    if (poolConfig !== undefined) consumers[index]?.configure(queueSettingsOf(config, poolConfig));
  }
}

/** Where the sockets of a daemon are. */
export const controlSocketOf = (config: Config): string => join(config.control.directory, 'control.sock');

/** The socket by which other processes reach an embedded store. */
export function storeServersOf(
  { config }: LoadedConfig,
  broker: Broker,
  clock: Clock,
  log: Logger,
): Service[] {
  if (config.broker.type !== 'embedded') return [];
  return [serveBroker({ broker, path: join(config.control.directory, 'broker.sock'), clock, log })];
}
