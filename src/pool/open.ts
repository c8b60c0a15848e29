/** The only file that knows every kind of host. */

import { type Clock, systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import { BootGate } from './boot-gate.ts';
import { ClusterHost } from './host/cluster-host.ts';
import { workerEnv } from './host/env.ts';
import type { WorkerHost } from './host/host.ts';
import { ThreadHost } from './host/thread-host.ts';
import type { PoolOptions } from './options.ts';
import type { Pool } from './pool.ts';
import { WorkerPool } from './worker-pool.ts';

export { BootGate } from './boot-gate.ts';
export type { PoolOptions } from './options.ts';
export type { RestartPolicy } from './restart.ts';

export interface OpenServices {
  readonly clock?: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** One for all pools of a daemon; without it the pool has its own. */
  readonly bootGate?: BootGate;
}

/** A pool that has not started. */
export function createPool(options: PoolOptions, services: OpenServices): Pool {
  const { clock = systemClock, random, logger, bootGate = new BootGate() } = services;
  const host = hostOf(options, clock);
  const aloneHost = options.kind === 'async' ? forkHost(options, clock) : null;
  return new WorkerPool(options, { clock, random, logger, bootGate, host, aloneHost });
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
