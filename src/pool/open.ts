/** The only file that knows every kind of host. */

import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { TaskInput } from '../task/input-check.ts';
import { BootGate } from './boot-gate.ts';
import { ClusterHost } from './host/cluster-host.ts';
import { workerEnv } from './host/env.ts';
import type { WorkerHost } from './host/host.ts';
import { ThreadHost } from './host/thread-host.ts';
import { KernelOom } from './kernel-oom.ts';
import type { PoolOptions, WatchMemory, WorkerHosts } from './options.ts';
import type { Pool } from './pool.ts';
import { lookAtProcess } from './process-look.ts';
import { type Rehearsal, rehearse } from './rehearsal.ts';
import { WorkerPool } from './worker-pool.ts';

export { BootGate } from './boot-gate.ts';
export { KernelOom } from './kernel-oom.ts';
export type { PoolOptions, WatchMemory } from './options.ts';
export type { RecyclePolicy } from './recycle.ts';
export type { Rehearsal } from './rehearsal.ts';
export type { RestartPolicy } from './restart.ts';

export interface OpenServices {
  readonly clock?: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** One for all pools of a daemon; without it the pool has its own. */
  readonly bootGate?: BootGate;
  /** Without it `recycle.maxRss` has no effect. */
  readonly watchMemory?: WatchMemory;
  /** One for all pools of a daemon, so that each such end is explained once. */
  readonly kernelOom?: KernelOom;
}

const WATCH_NOTHING: WatchMemory = () => () => {};

/** A pool that has not started. */
export function createPool(options: PoolOptions, services: OpenServices): Pool {
  const { clock = systemClock, random, logger } = services;
  const { bootGate = new BootGate(), watchMemory = WATCH_NOTHING, kernelOom = new KernelOom() } = services;
  const hostsOf = (of: PoolOptions): WorkerHosts => ({
    host: hostOf(of, clock),
    aloneHost: of.kind === 'async' ? forkHost(of, clock) : null,
  });
  return new WorkerPool(options, {
    clock,
    random,
    logger,
    bootGate,
    hostsOf,
    watchMemory,
    kernelOom,
    lookAtProcess,
  });
}

/**
 * Starts one worker as the pool would, in a process of its own whatever the pool's kind, gives it no job, and ends it: what
 * do these modules define, which of these inputs do their schemas refuse?
 */
export function rehearsePool(
  options: PoolOptions,
  inputs: readonly TaskInput[],
  clock: Clock,
): Promise<Rehearsal> {
  return rehearse(forkHost(options, clock), options, inputs, clock);
}

function hostOf(options: PoolOptions, clock: Clock): WorkerHost {
  if (options.kind === 'process') return forkHost(options, clock);
  if (options.host === 'process') return forkHost(options, clock, 'process');
  const { resourceLimits, env } = options;
  const limits = resourceLimits === undefined ? {} : { resourceLimits };
  return new ThreadHost({ env: workerEnv(process.env, env), ...limits, clock });
}

function forkHost(options: PoolOptions, clock: Clock, type: 'cluster' | 'process' = 'cluster'): WorkerHost {
  const { env, execArgv, maxOldSpaceMb } = options;
  return new ClusterHost({
    type,
    env: workerEnv(process.env, env),
    ...(execArgv === undefined ? {} : { execArgv }),
    ...(maxOldSpaceMb === undefined ? {} : { maxOldSpaceMb }),
    clock,
  });
}
