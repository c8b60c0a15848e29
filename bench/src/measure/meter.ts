import { cpuUsOf } from '../site/processes.ts';
import type { RedisSite } from '../site/redis-server.ts';

/** What was used between two moments, microseconds. */
export interface Use {
  readonly wallUs: number;
  /** Of this process, which enqueues. */
  readonly producerUs: number;
  /** Of the processes that run jobs. */
  readonly workersUs: number;
  readonly redisUs: number;
  /** Of Redis, within scripts. */
  readonly scriptUs: number;
}

/** Begins to measure; the answer ends it. */
export async function startMeter(
  pids: readonly number[],
  redis: RedisSite | null,
): Promise<() => Promise<Use>> {
  const before = await redis?.use();
  const workers = cpuUsOf(pids);
  const producer = process.cpuUsage();
  const begun = performance.now();
  return async () => {
    const wallUs = (performance.now() - begun) * 1_000;
    const { user, system } = process.cpuUsage(producer);
    const workersUs = cpuUsOf(pids) - workers;
    const after = await redis?.use();
    const used = (name: 'cpuUs' | 'scriptUs') => (after?.[name] ?? 0) - (before?.[name] ?? 0);
    return {
      wallUs,
      producerUs: user + system,
      workersUs,
      redisUs: used('cpuUs'),
      scriptUs: used('scriptUs'),
    };
  };
}
