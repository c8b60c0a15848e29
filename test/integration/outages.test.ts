/**
 * Redis in each state in which it does not serve, produced on a real server, under two daemons: one idles, the other has
 * more to do than it can. Callers are told in time, nobody storms, probes say what is, and work goes on soon afterwards.
 */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import { callDaemon } from '../../src/control/client.ts';
import type { HealthReport } from '../../src/control/messages/daemon.ts';
import { type BrokerError, createClient } from '../../src/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  BROKER_FAULTS,
  type BrokerFault,
  type FaultyRedis,
  startFaultyRedis,
  urlOf,
} from '../support/broker-faults.ts';
import { cpuMs } from '../support/processes.ts';
import { plainClient } from '../support/redis-broker.ts';
import { describeRedis, type RedisServer } from '../support/redis-server.ts';
import { sharedDaemon } from '../support/shared-daemon.ts';
import { TcpGate } from '../support/tcp-gate.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT } from '../support/with-supervisor.ts';

const NAMESPACE = 'outages';
const BACK_WITHIN_MS = 5_000;
/** A machine with too much to do gives no process its time: one of so many times must be within the bound. */
const TIMES = 3;
/** More than the pool ends before the outage is over. */
const LOAD = 40;
const CONCURRENCY = 5;
const JOB_MS = 300;
const WINDOW_MS = 1_000;
/** Of both daemons, in the window. A loop without a rest asks thousands of times. */
const MOST_REQUESTS = 100;
const MOST_CPU = 0.5;

describeRedis('a Redis that', () => {
  let server: RedisServer;
  let gate: TcpGate;
  let folder = '';
  const broker = () => ({
    ...{ type: 'redis', url: `redis://127.0.0.1:${gate.port}`, lease: '5s', heartbeat: '500ms' },
    password_file: join(folder, 'password'),
  });
  const daemonOf = (queue: string) =>
    sharedDaemon(async () => ({
      namespace: NAMESPACE,
      tasks: [join(ROOT, 'test/fixtures/compiled/tasks.mjs')],
      broker: broker(),
      defaults: { keep: { results: '10m' } },
      pools: { io: { kind: 'async', host: 'process', concurrency: CONCURRENCY, queues: [queue] } },
    }));
  const [idle, loaded] = [daemonOf('idle'), daemonOf('loaded')];
  const faulty = (): FaultyRedis => ({ server, gate, passwordFile: join(folder, 'password') });
  const daemons = (): Daemon[] => [idle.daemon(), loaded.daemon()];

  before(async function () {
    this.timeout(60_000);
    server = await startFaultyRedis();
    gate = await TcpGate.open(server.port);
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    await writeFile(join(folder, 'password'), '');
    await Promise.all([idle.start(), loaded.start()]);
  });
  after(async function () {
    this.timeout(60_000);
    await Promise.all([idle.end(), loaded.end()]);
    await gate?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Of callers, past the gate: what the daemons ask is counted there. */
  const clientOf = (daemon: Daemon, enqueueTimeout: '2s' | '20s' = '2s') => {
    const config = join(daemon.folder, 'client.yaml');
    const yaml = readFileSync(daemon.configPath, 'utf8');
    writeFileSync(config, yaml.replace(`:${gate.port}`, `:${server.port}`));
    return createClient({ config, enqueueTimeout });
  };

  /** One outage. Resolves with the time that the slower of the two daemons needed afterwards. */
  async function live(fault: BrokerFault): Promise<number> {
    const [atRest, atWork] = daemons();
    assert(atRest !== undefined && atWork !== undefined);
    await using client = clientOf(atRest);
    const redis = faulty();
    await Promise.all([client.enqueue('echo', 0, { queue: 'idle' }), fault.prepare?.(redis)]);
    await using load = clientOf(atWork, '20s');
    const tasks = Array.from({ length: LOAD }, () => ({ ms: JOB_MS }));
    const handles = await load.enqueueMany('ignore-abort', tasks, { queue: 'loaded', result: true });
    const results = Promise.all(handles.map((handle) => handle.result({ timeout: '60s' })));

    const mend = await fault.begin(redis);
    let endedAt = performance.now();
    try {
      if (fault.brief !== true) await outage(fault, client);
    } finally {
      await mend();
      if (fault.brief !== true) endedAt = performance.now();
    }
    const took = await Promise.all([worksAgain(atRest, endedAt), goesOn(endedAt)]);
    assert.deepEqual(new Set(await results), new Set(['late']));
    for (const daemon of daemons()) {
      await until(() => healthy(daemon, 'ready'));
      assert.equal((await daemon.status()).broker.up, true);
    }
    if (fault.replies !== undefined)
      assert.ok((await refusals(fault.replies)) > 0, `${fault.replies} was seen`);
    return Math.max(...took);
  }

  async function outage(fault: BrokerFault, client: ReturnType<typeof createClient>): Promise<void> {
    await assert.rejects(client.enqueue('echo', 1, { queue: 'idle' }), (error: BrokerError) => {
      assert.equal(error.code, 'ERR_BROKER_UNAVAILABLE');
      assert.ok(fault.enqueue.includes(error.disposition), `${error.disposition}: ${error.message}`);
      return true;
    });
    for (const daemon of daemons()) {
      await until(async () => !(await healthy(daemon, 'ready')));
      const [live, { state, broker }] = [await healthy(daemon, 'live'), await daemon.status()];
      assert.deepEqual([live, state, broker.up], [true, 'running', false]);
    }
    const before = { requests: gate.requests, cpu: daemons().map(({ pid }) => cpuMs(pid)) };
    const since = performance.now();
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
    assert.ok(gate.requests - before.requests < MOST_REQUESTS, `${gate.requests - before.requests} requests`);
    for (const [i, { pid }] of daemons().entries()) {
      const share = (cpuMs(pid) - (before.cpu[i] as number)) / (performance.now() - since);
      assert.ok(share < MOST_CPU, `${share} of a core`);
    }
  }

  async function worksAgain(daemon: Daemon, endedAt: number): Promise<number> {
    await using client = clientOf(daemon, '20s');
    const handle = await client.enqueue('echo', 'again', { queue: 'idle', result: true });
    assert.equal(await handle.result({ timeout: '60s' }), 'again');
    return performance.now() - endedAt;
  }

  /** Jobs that stood in the queue complete again: more than ran when it began. */
  async function goesOn(endedAt: number): Promise<number> {
    const redis = await plainClient(urlOf(faulty()));
    const completed = async () => Number(await redis.hGet(queueKeys(NAMESPACE, 'loaded').meta, 'completed'));
    try {
      const before = await completed();
      await until(async () => (await completed()) > before + CONCURRENCY);
      return performance.now() - endedAt;
    } finally {
      redis.destroy();
    }
  }

  async function refusals(code: string): Promise<number> {
    const redis = await plainClient(urlOf(faulty()));
    const stats = await redis.info('errorstats').finally(() => redis.destroy());
    return Number(new RegExp(`errorstat_${code}:count=(\\d+)`).exec(stats)?.[1] ?? 0);
  }

  for (const fault of BROKER_FAULTS) {
    it(`${fault.name}: callers are told, nobody storms, and work goes on within 5 s of its return`, async function () {
      this.timeout(120_000);
      const taken: number[] = [];
      for (let n = 0; n < TIMES && !taken.some((ms) => ms <= BACK_WITHIN_MS); n++)
        taken.push(await live(fault));
      assert.ok(Math.min(...taken) <= BACK_WITHIN_MS, `back after ${taken.map(Math.round).join(', ')} ms`);
    });
  }
});

const healthy = async ({ socket }: Daemon, probe: HealthReport['probe']): Promise<boolean> =>
  (await callDaemon(socket, 'health', { probe }, { timeoutMs: 5_000, clock: systemClock })).ok;
