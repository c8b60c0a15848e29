/**
 * What a job costs, in counts that do not depend on the machine: commands, messages, bytes. Where batches stop working, these
 * rise tenfold. `npm run bench` measures what they take.
 */

import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { ClusterHost } from '../../src/pool/host/cluster-host.ts';
import type { WorkerHost } from '../../src/pool/host/host.ts';
import { ThreadHost } from '../../src/pool/host/thread-host.ts';
import { BootGate, KernelOom, type PoolOptions } from '../../src/pool/open.ts';
import type { Delivery } from '../../src/pool/pool.ts';
import { WorkerPool } from '../../src/pool/worker-pool.ts';
import { countingHost } from '../support/counting-host.ts';
import { plainClient } from '../support/redis-broker.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';

const NOOP = fileURLToPath(new URL('../fixtures/tasks/noop.mjs', import.meta.url));
/** As JSON: 200 bytes. */
const INPUT = { filling: 'x'.repeat(186) };

describe('what a start costs', () => {
  for (const [program, folder, most] of [
    ['the command line', '.', 1_350_000],
    ['a worker and what the package exports', 'worker', 800_000],
    ['a thread of the daemon', 'threads', 480_000],
  ] as const) {
    it(`${program} is few bytes of code: a library that is bundled whole shows here`, () => {
      const bundle = join(ROOT, 'dist/bundle', folder);
      const scripts = readdirSync(bundle).filter((name) => name.endsWith('.js'));
      const bytes = scripts.reduce((all, name) => all + statSync(join(bundle, name)).size, 0);
      assert.ok(bytes > 0 && bytes < most, `${bytes} bytes`);
    });
  }
});

describeRedis('what a job costs in Redis', () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  const JOBS = 10_240;
  const pools = {
    io: { kind: 'async', concurrency: 256, queues: ['io'] },
    cpu: { kind: 'process', workers: 1, queues: ['cpu'] },
  };
  const config = () => ({
    tasks: [join(ROOT, 'test/fixtures/tasks/noop.mjs')],
    namespace: 'cost',
    broker: { type: 'redis', url: server.url },
    pools,
  });

  // Each script counts as one command, and so does each command that a script calls.
  // On a busy machine a process worker's short jobs look long, and are claimed by fewer: 9,000 commands became 15,900 once.
  for (const [queue, mostScripts, mostCommands] of [
    ['io', 1 / 64, 0.6],
    ['cpu', 1 / 8, 3],
  ] as const) {
    it(`${queue}: few commands and scripts, and at most 340 bytes while it waits`, async function () {
      this.timeout(120_000);
      const admin = await plainClient(server.url);
      await admin.flushAll();
      const used = async () => Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1]);
      await withSupervisor(config(), async (daemon) => {
        assert.equal((await daemon.cli('queue', 'pause', queue)).code, 0);
        await using client = createClient({ broker: server.url, namespace: 'cost', enqueueTimeout: '30s' });
        await client.enqueueMany('noop', [INPUT], { queue });
        const before = await used();
        await admin.sendCommand(['CONFIG', 'RESETSTAT']);
        await client.enqueueMany('noop', Array(JOBS).fill(INPUT), { queue });
        const bytes = ((await used()) - before) / JOBS;
        assert.ok(bytes <= 340, `${bytes} bytes a waiting job`);
        const enqueue = await counts(admin);
        assert.ok(enqueue.scripts <= JOBS / 128, `${enqueue.scripts} scripts for ${JOBS} enqueues`);

        await admin.sendCommand(['CONFIG', 'RESETSTAT']);
        assert.equal((await daemon.cli('queue', 'resume', queue)).code, 0);
        const completed = async () => Number(await admin.hGet(`fl:{cost:${queue}}:meta`, 'completed'));
        await until(async () => (await completed()) === JOBS + 1, 60_000);
        const drain = await counts(admin);
        assert.ok(drain.scripts <= JOBS * mostScripts, `${drain.scripts} scripts for ${JOBS} jobs`);
        assert.ok(drain.commands <= JOBS * mostCommands, `${drain.commands} commands for ${JOBS} jobs`);
      });
      admin.destroy();
    });
  }

  it('alone in an idle pool: one script to enqueue, one to settle, and one that had claimed before', async function () {
    this.timeout(60_000);
    const JOBS = 100;
    const admin = await plainClient(server.url);
    await admin.flushAll();
    await withSupervisor(config(), async () => {
      await using client = createClient({ broker: server.url, namespace: 'cost', enqueueTimeout: '30s' });
      const completed = async () => Number(await admin.hGet('fl:{cost:io}:meta', 'completed'));
      // A blocked client of which the server has read no more: of both pools.
      const standing = async () =>
        (await admin.sendCommand<string>(['CLIENT', 'LIST'])).match(/ qbuf=[1-9].* cmd=blpop /g)?.length ===
        2;
      let jobs = 0;
      const run = async () => {
        await client.enqueue('noop', INPUT, { queue: 'io' });
        jobs++;
        await until(async () => (await completed()) === jobs && (await standing()), 10_000);
      };
      await run();
      await admin.sendCommand(['CONFIG', 'RESETSTAT']);
      for (let n = 0; n < JOBS; n++) await run();
      const { scripts } = await counts(admin);
      assert.ok(scripts <= JOBS * 3.5, `${scripts} scripts for ${JOBS} jobs`);
    });
    admin.destroy();
  });

  async function counts(admin: Awaited<ReturnType<typeof plainClient>>) {
    const stats = await admin.info('commandstats');
    const calls = [...stats.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)];
    const of = (name: string) => Number(calls.find(([, command]) => command === name)?.[2] ?? 0);
    // What this test asks itself is not counted.
    const commands = calls.filter(([, name]) => name !== 'hget' && name !== 'info');
    return {
      scripts: of('evalsha') + of('eval'),
      commands: commands.reduce((sum, [, , count]) => sum + Number(count), 0),
    };
  }
});

describe('what a job costs between master and worker', () => {
  const JOBS = 5_000;
  const clusterHost = () => new ClusterHost({ env: {}, clock: systemClock });
  for (const [name, kind, concurrency, make, to, from] of [
    ['a process pool', 'process', 1, clusterHost, 1 / 25, 1.05],
    [
      'an async pool in a thread',
      'async',
      256,
      () => new ThreadHost({ env: {}, clock: systemClock }),
      1 / 80,
      1 / 15,
    ],
    ['an async pool in a process', 'async', 256, clusterHost, 1 / 80, 1 / 15],
  ] as const) {
    it(`${name}: few messages`, async function () {
      this.timeout(60_000);
      const { host, passed } = countingHost(make());
      const pool = new WorkerPool(options(kind, concurrency), services(host));
      await pool.start();
      try {
        await runThrough(pool, JOBS);
      } finally {
        await pool.stop(AbortSignal.abort());
      }
      assert.ok(passed.toWorkers <= JOBS * to, `${passed.toWorkers} messages to the worker for ${JOBS} jobs`);
      assert.ok(passed.fromWorkers <= JOBS * from, `${passed.fromWorkers} messages from it for ${JOBS} jobs`);
    });
  }

  function services(host: WorkerHost) {
    return {
      clock: systemClock,
      random: Math.random,
      logger: silentLogger,
      bootGate: new BootGate(),
      kernelOom: new KernelOom(),
      hostsOf: () => ({ host, aloneHost: null }),
      watchMemory: () => () => {},
      lookAtProcess: () => null,
    };
  }

  function options(kind: 'process' | 'async', concurrency: number): PoolOptions {
    const restart = {
      initial: 100,
      factor: 2,
      max: 1_000,
      jitter: 0,
      stableAfter: 10_000,
      intensity: 5,
      period: 60_000,
    };
    const times = { readyTimeout: 30_000, blockTimeout: 30_000, coldGrace: 1_000 };
    return {
      name: 'cost',
      kind,
      queues: ['q'],
      modules: [NOOP],
      workers: 1,
      concurrency,
      required: true,
      restart,
      ...times,
    };
  }

  /** As a consumer does: as many as it takes, whenever it takes some. */
  async function runThrough(pool: WorkerPool, jobs: number): Promise<void> {
    let [given, ended] = [0, 0];
    await new Promise<void>((resolve) => {
      const feed = () => {
        const batch: Delivery[] = [];
        while (given < jobs && batch.length < pool.free) batch.push(delivery(++given));
        if (batch.length > 0) pool.run(batch);
      };
      pool.onEnded((batch) => {
        ended += batch.length;
        if (ended === jobs) resolve();
        else feed();
      });
      pool.onFree(feed);
      feed();
    });
  }

  function delivery(fence: number): Delivery {
    const id = '01890a5d-ac96-774b-bcce-b302099a8057';
    const limits = { timeoutMs: 60_000, killAfterMs: 5_000, maxResultBytes: 1_000 };
    const job = { id, task: 'noop', queue: 'q', attempt: 1, fence, input: '{}', alone: false, headers: {} };
    return { token: `${id}:${fence}`, ...job, ...limits };
  }
});
