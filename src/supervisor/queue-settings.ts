import { DEFAULT_RESULT_TTL_MS } from '../client/new-job.ts';
import type { Config, PoolConfig } from '../config/schema.ts';
import type { QueueSettings } from '../consumer/delivery.ts';
import type { AttemptSettings } from '../task/limits.ts';

/** The attempt settings of a pool's queues; nearer than the pool is the queue, farther are the defaults. */
export function queueSettingsOf(config: Config, pool: PoolConfig): QueueSettings[] {
  const { timeout, kill_after, retry, keep, max_result } = config.defaults;
  return pool.queues.map((name) => {
    const queue = config.queues[name];
    return {
      name,
      levels: [settingsOf(queue ?? {}), settingsOf(pool)],
      defaults: { timeoutMs: timeout, killAfterMs: kill_after, retry },
      resultTtlMs: resultTtlOf(config, name),
      maxResultBytes: max_result,
      keepDead: { count: keep.dead, ageMs: keep.dead_for },
    };
  });
}

/** How long results of a queue's jobs are kept, ms. */
export const resultTtlOf = ({ queues, defaults: { keep } }: Config, queue: string): number =>
  queues[queue]?.keep?.results ?? keep.results ?? DEFAULT_RESULT_TTL_MS;

type Level = Pick<PoolConfig, 'timeout' | 'kill_after' | 'retry'>;

const settingsOf = ({ timeout, kill_after, retry }: Partial<Level>): AttemptSettings => ({
  timeoutMs: timeout,
  killAfterMs: kill_after,
  retry,
});
