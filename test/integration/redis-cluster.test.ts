/** A daemon whose queues lie on the three masters of a real Redis Cluster, while slots move and masters die. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import { slotOf } from '../../src/broker/redis/slot.ts';
import { type Client, createClient, type JobHandle } from '../../src/index.ts';
import { readRuns } from '../support/recovery.ts';
import {
  ask,
  errorsOf,
  queueForEach,
  type RedisCluster,
  SlotMove,
  startCluster,
} from '../support/redis-cluster.ts';
import { describeRedis, type RedisServer } from '../support/redis-server.ts';
import { sharedDaemon } from '../support/shared-daemon.ts';
import { until } from '../support/until.ts';
import { ROOT } from '../support/with-supervisor.ts';

const NAMESPACE = 'cluster';
const BACK_WITHIN_MS = 5_000;
/** A machine with too much to do gives no process its time: one of so many times must be within the bound. */
const TIMES = 3;
const wakeOf = (queue: string) => queueKeys(NAMESPACE, queue).wake;

describeRedis('a daemon on a Redis Cluster of three masters', () => {
  let cluster: RedisCluster;
  let queues: readonly string[] = [];
  let folder = '';
  let client: Client;
  const history = () => join(folder, 'runs.ndjson');

  const shared = sharedDaemon(async () => ({
    namespace: NAMESPACE,
    tasks: [join(ROOT, 'test/fixtures/recovery/tasks.mjs')],
    broker: { type: 'redis', url: cluster.url },
    defaults: { keep: { results: '10m' } },
    pools: Object.fromEntries(
      queues.map((queue) => [
        `pool-${queue}`,
        {
          ...{ kind: 'async', host: 'process', concurrency: 4, queues: [queue] },
          env: { RECOVERY_HISTORY: history(), RECOVERY_DAEMON: 'a' },
        },
      ]),
    ),
  }));

  before(async function () {
    this.timeout(60_000);
    cluster = await startCluster({ persistence: 'aof' });
    queues = queueForEach(cluster, wakeOf);
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    await writeFile(history(), '');
    await shared.start();
    client = createClient({ config: shared.daemon().configPath, enqueueTimeout: '30s' });
  });

  after(async () => {
    await client?.close();
    await shared.end();
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const enqueue = (queue: string, count: number, ms = 5): Promise<JobHandle[]> =>
    client.enqueueMany('hold', Array(count).fill({ firstMs: ms, laterMs: ms }), { queue, result: true });

  /** Each has ended, by its first run. */
  const endedOnce = async (handles: readonly JobHandle[]): Promise<void> => {
    const fences = await Promise.all(handles.map((handle) => handle.result({ timeout: '60s' })));
    assert.deepEqual(new Set(fences), new Set([1]));
    const starts = readRuns(history()).filter(({ kind }) => kind === 'start');
    for (const { id } of handles) assert.equal(starts.filter((run) => run.id === id).length, 1, id);
  };

  it('runs jobs of queues that lie on different masters', async () => {
    const batches = await Promise.all(queues.map((queue) => enqueue(queue, 20)));
    for (const handles of batches) await endedOnce(handles);
    for (const [n, { port }] of cluster.nodes.entries()) {
      const keys = (await ask(port, 'KEYS', '*')) as string[];
      assert.ok(keys.includes(queueKeys(NAMESPACE, queues[n]!).meta));
      assert.ok(keys.every((key) => key.startsWith(`fl:{${NAMESPACE}:${queues[n]}}:`)));
    }
  });

  it('follows a slot that moves while jobs flow: none is lost, each runs once', async function () {
    this.timeout(120_000);
    const [queue, other] = queues as readonly [string, string];
    const [from, to] = [cluster.nodes[0]!, cluster.nodes[1]!];
    const handles = await enqueue(queue, 40, 20);
    let flowing = true;
    const flow = (async () => {
      while (flowing) handles.push(...(await enqueue(queue, 1)), ...(await enqueue(other, 1)));
    })();
    const results = Promise.all(handles.map((handle) => handle.result({ timeout: '60s' })));

    const move = await SlotMove.begin(slotOf(wakeOf(queue)), from, to);
    const tried = await errorsOf(from, 'TRYAGAIN');
    await until(async () => (await errorsOf(from, 'TRYAGAIN')) > tried);
    await move.moveKeys();
    const asked = await errorsOf(from, 'ASK');
    await until(async () => (await errorsOf(from, 'ASK')) > asked + 2);
    // From now on it is MOVED, or the map that an ASK has made them look up tells the new place first.
    await move.end(cluster.nodes);
    await results;
    flowing = false;
    await flow;
    handles.push(...(await enqueue(queue, 10)));
    await endedOnce(handles);
    const known = await errorsOf(from, 'MOVED');
    await endedOnce(await enqueue(queue, 10));
    assert.equal(await errorsOf(from, 'MOVED'), known, 'the new place is known');
  });

  it('goes on with the queues of other masters while one is dead, and with its own within 5 s of its return', async function () {
    this.timeout(180_000);
    const victim = cluster.nodes[2]!;
    const queue = queues[2]!;
    const taken: number[] = [];
    for (let n = 0; n < TIMES && !taken.some((ms) => ms <= BACK_WITHIN_MS); n++)
      taken.push(await outage(victim, queue));
    assert.ok(Math.min(...taken) <= BACK_WITHIN_MS, `back after ${taken.map(Math.round).join(', ')} ms`);
  });

  async function outage(victim: RedisServer, queue: string): Promise<number> {
    const before = await enqueue(queue, 20, 100);
    await until(() => readRuns(history()).some(({ id }) => id === before[0]!.id));
    await victim.kill();
    for (const other of queues.filter((each) => each !== queue)) await endedOnce(await enqueue(other, 10));
    const waiting = enqueue(queue, 1);
    await victim.restart();
    await until(async () => String(await ask(victim.port, 'CLUSTER', 'INFO')).includes('cluster_state:ok'));
    const endedAt = performance.now();
    const [again] = await waiting;
    await again!.result({ timeout: '60s' });
    const took = performance.now() - endedAt;
    await endedOnce([...before, again!]);
    return took;
  }
});
