import type { ScaleReport, ScaleRequest } from '../control/messages/daemon.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Pool } from '../pool/pool.ts';

/** Gives a process pool another number of workers. @throws ForkloopError ERR_OPTION_INVALID */
export function scalePool(pools: readonly Pool[], { pool: name, workers }: ScaleRequest): ScaleReport {
  const pool = pools.find((one) => one.name === name);
  if (pool === undefined) {
    const names = pools.map((one) => one.name).join(', ');
    throw new ForkloopError('ERR_OPTION_INVALID', `there is no pool ${JSON.stringify(name)}, only ${names}`);
  }
  const before = pool.status().concurrency;
  pool.scale(workers);
  return { schema: 'forkloop.scale/1', pool: name, before, workers };
}

/** What the signals TTIN (+1) and TTOU (-1) mean: which pool, one can only tell where there is one process pool. */
export function stepOnlyPool(pools: readonly Pool[], step: 1 | -1, log: Logger): void {
  const candidates = pools.filter(({ kind }) => kind === 'process');
  const [pool] = candidates;
  if (pool === undefined || candidates.length > 1) {
    const why =
      pool === undefined ? 'there is no process pool' : 'ambiguous: there are several process pools';
    const names = candidates.map(({ name }) => name);
    log.warn(`not scaled, ${why}`, { pools: names, instead: 'supervisor scale POOL=N' });
    return;
  }
  const { concurrency: before } = pool.status();
  try {
    pool.scale(before + step);
    log.info('scaled', { pool: pool.name, before, workers: before + step });
  } catch (error) {
    log.warn('not scaled', {
      pool: pool.name,
      reason: error instanceof Error ? error.message : String(error),
    });
  }
}
