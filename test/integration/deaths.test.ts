import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createClient, type JobHandle } from '../../src/index.ts';
import { descendants, isAlive } from '../support/processes.ts';
import { describeRedis, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const JOBS = 300;
const pools = {
  cpu: { kind: 'process', workers: 2, queues: ['spin'] },
  io: { kind: 'async', concurrency: 20, queues: ['echo'] },
};
const configWith = (broker: Record<string, unknown> | undefined) => ({
  tasks: ['busy-loop', 'echo'].map((name) => join(ROOT, `test/fixtures/tasks/${name}.ts`)),
  ...(broker === undefined ? {} : { broker }),
  defaults: { timeout: '0s' },
  pools,
});

/** Jobs of both pools; `kill` is called when a third of them has ended. All must end as they should. */
async function runThrough(
  daemon: Daemon,
  kill: (results: Promise<unknown>[]) => Promise<void>,
): Promise<void> {
  await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
  const spins = await client.enqueueMany(
    'spin',
    Array.from({ length: JOBS }, () => ({ ms: 5 })),
    { queue: 'spin', result: true },
  );
  const echoes = await client.enqueueMany(
    'echo',
    Array.from({ length: JOBS }, (_, i) => i),
    { queue: 'echo', result: true },
  );
  let ended = 0;
  const result = async (handle: JobHandle) => {
    const value = await handle.result({ timeout: '60s' });
    ended++;
    return value;
  };
  const results = [...spins, ...echoes].map(result);
  await until(() => ended >= (2 * JOBS) / 3, 30_000);
  await kill(results);
  const values = await Promise.all(results);
  assert.deepEqual(values, [...Array(JOBS).fill('spun'), ...Array(JOBS).keys()]);
  await until(async () =>
    (await daemon.status()).queues.every(
      ({ ready, in_flight, delayed, dead }) => ready === 0 && in_flight === 0 && delayed === 0 && dead === 0,
    ),
  );
}

async function childDies(daemon: Daemon): Promise<void> {
  await runThrough(daemon, async () => {
    for (let round = 0; round < 3; round++) {
      const { pools: before } = await daemon.status();
      const victim = before[0]?.workers.find(({ pid, state }) => pid !== null && state !== 'starting');
      if (victim?.pid === null || victim === undefined) continue;
      process.kill(victim.pid, 'SIGKILL');
      await until(async () => {
        const worker = (await daemon.status()).pools[0]?.workers[victim.slot];
        return worker !== undefined && worker.restarts > victim.restarts;
      });
    }
  });
}

async function masterDies(daemon: Daemon): Promise<void> {
  await runThrough(daemon, async () => {
    const before = descendants(daemon.pid);
    assert.ok(before.length >= 2, 'there are children to look for');
    daemon.kill('SIGKILL');
    await daemon.exited;
    await until(() => !before.some(isAlive), 1_000);
    await daemon.start();
  });
}

/** A child that never yields cannot notice anything by itself. */
async function masterDiesBusy(daemon: Daemon): Promise<void> {
  await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
  await client.enqueueMany('busy-loop', [null, null], { queue: 'spin' });
  await until(async () => (await daemon.status()).pools[0]?.busy === 2);
  const before = descendants(daemon.pid);
  daemon.kill('SIGKILL');
  await daemon.exited;
  await until(() => !before.some(isAlive), 1_000);
}

function describeDeaths(
  open: () => Promise<{ broker?: Record<string, unknown>; close(): Promise<void> }>,
): void {
  for (const [what, body] of [
    ['loses no job when children are killed', childDies],
    ['loses no job when the master is killed and started again', masterDies],
    ['leaves no busy child a second after the master’s death', masterDiesBusy],
  ] as const) {
    it(what, async function () {
      this.timeout(120_000);
      const { broker, close } = await open();
      try {
        await withSupervisor(configWith(broker), body);
      } finally {
        await close();
      }
    });
  }
}

describe('deaths, on the embedded broker', () => {
  describeDeaths(async () => ({ close: async () => {} }));
});

describeRedis('deaths, on Redis', () => {
  describeDeaths(async () => {
    const redis = await startRedis();
    return { broker: { type: 'redis', url: redis.url }, close: () => redis.stop() };
  });
});
