import { silentLogger } from '../../src/lib/logger.ts';
import { BootGate } from '../../src/pool/boot-gate.ts';
import { KernelOom } from '../../src/pool/kernel-oom.ts';
import type { PoolOptions, PoolServices } from '../../src/pool/options.ts';
import type { Delivery, Ended } from '../../src/pool/pool.ts';
import { WorkerPool } from '../../src/pool/worker-pool.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeWorkerHost } from './fake-worker-host.ts';

/** Of a process pool of one worker. */
export const POOL_OPTIONS: PoolOptions = {
  name: 'test',
  kind: 'process',
  queues: ['q'],
  modules: [],
  workers: 1,
  concurrency: 1,
  required: false,
  readyTimeout: 30_000,
  blockTimeout: 10_000,
  coldGrace: 5_000,
  restart: {
    initial: 100,
    factor: 2,
    max: 30_000,
    jitter: 0,
    stableAfter: 10_000,
    intensity: 5,
    period: 60_000,
  },
};

/** A real pool whose workers, clock and memory a test plays; `services` take the place of those that do nothing. */
export function poolOnFakeHost(options: Partial<PoolOptions> = {}, services: Partial<PoolServices> = {}) {
  const clock = new FakeClock();
  const host = new FakeWorkerHost();
  const aloneHost = options.kind === 'async' ? new FakeWorkerHost() : null;
  const memory = { sample: (_rss: ReadonlyMap<number, number>) => {} };
  const pool = new WorkerPool(
    { ...POOL_OPTIONS, ...options },
    {
      clock,
      random: () => 0.5,
      logger: silentLogger,
      bootGate: new BootGate(100),
      hostsOf: () => ({ host, aloneHost }),
      watchMemory: (_pids, onSample) => {
        memory.sample = onSample;
        return () => {};
      },
      kernelOom: new KernelOom(() => 0),
      lookAtProcess: () => null,
      ...services,
    },
  );
  const ended: Ended[] = [];
  pool.onEnded((batch) => ended.push(...batch));
  return { clock, host, aloneHost, pool, ended, memory };
}

let count = 0;
export function delivery(more: Partial<Delivery> = {}): Delivery {
  count += 1;
  const limits = { timeoutMs: 1_000, killAfterMs: 500, maxResultBytes: 1_000 };
  const job = { id: `job-${count}`, task: 'task', queue: 'q', attempt: 1, fence: 1, input: '', headers: {} };
  return { token: `t${count}`, ...job, ...limits, alone: false, ...more };
}
