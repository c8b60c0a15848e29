/** A replica takes the place of its primary while a daemon works, and lacks the last of what the primary had acknowledged. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import { createClient, type JobHandle } from '../../src/index.ts';
import { NAMESPACE, readRuns, recoveryConfig } from '../support/recovery.ts';
import { plainClient } from '../support/redis-broker.ts';
import { describeRedis, startRedis } from '../support/redis-server.ts';
import { TcpGate } from '../support/tcp-gate.ts';
import { until } from '../support/until.ts';
import { withSupervisor } from '../support/with-supervisor.ts';

const JOBS = 20;
const QUEUE = 'io';
const keys = queueKeys(NAMESPACE, QUEUE);

describeRedis('a failover to a replica', () => {
  const disposals: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const dispose of disposals.splice(0).reverse()) await dispose();
  });

  async function open() {
    const [primary, replica] = [await startRedis(), await startRedis()];
    const gate = await TcpGate.open(primary.port);
    const folder = await mkdtemp(join(tmpdir(), 'fl-'));
    const history = join(folder, 'runs.ndjson');
    await writeFile(history, '');
    const [onPrimary, onReplica] = [await plainClient(primary.url), await plainClient(replica.url)];
    disposals.push(
      () => primary.stop(),
      () => replica.stop(),
      () => gate.close(),
      () => rm(folder, { recursive: true, force: true }),
      async () => onPrimary.destroy(),
      async () => onReplica.destroy(),
    );
    await onReplica.sendCommand(['REPLICAOF', '127.0.0.1', String(primary.port)]);
    await until(async () => (await onReplica.info('replication')).includes('master_link_status:up'));
    return { replica, gate, history, onPrimary, onReplica };
  }

  it('loses only what had not reached it: all else ends once, what follows works, nothing is left in flight', async function () {
    this.timeout(120_000);
    const { replica, gate, history, onPrimary, onReplica } = await open();
    const broker = { type: 'redis', url: `redis://127.0.0.1:${gate.port}` };
    await withSupervisor(recoveryConfig('a', history, broker), async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const enqueue = (): Promise<JobHandle[]> =>
        client.enqueueMany('hold', Array(JOBS).fill({ firstMs: 200, laterMs: 200 }), {
          queue: QUEUE,
          result: true,
        });
      const starts = () => readRuns(history).filter(({ kind }) => kind === 'start').length;
      const safe = await enqueue();
      assert.equal(await onPrimary.sendCommand(['WAIT', '1', '10000']), 1);
      await until(() => starts() >= 4);
      await onReplica.sendCommand(['REPLICAOF', 'NO', 'ONE']);
      // Acknowledged by a primary whose replica hears no more: these jobs, and what is claimed and settled meanwhile.
      const lost = await enqueue();
      const begun = starts();
      await until(() => starts() >= begun + 4);
      const there = Number(await onPrimary.hGet(keys.meta, 'completed'));
      const here = Number((await onReplica.hGet(keys.meta, 'completed')) ?? 0);
      assert.ok(
        there > here,
        `settlements are lost as well: ${there} on the primary, ${here} on the replica`,
      );

      gate.target = replica.port;
      gate.cut();
      const later = await enqueue();
      const resultsOf = async (handles: readonly JobHandle[]) =>
        (await onReplica.mGet(handles.map(({ id }) => keys.result(id)))).filter((text) => text !== null)
          .length;
      await until(async () => (await resultsOf([...safe, ...later])) === 2 * JOBS, 60_000);
      await until(async () => {
        const [queue] = (await daemon.status()).queues.filter(({ name }) => name === QUEUE);
        const { ready, in_flight, delayed } = queue ?? {};
        return ready === 0 && in_flight === 0 && delayed === 0;
      });

      assert.equal(await resultsOf(lost), 0, 'nobody settles what the replica never had');
      assert.equal(await onReplica.hGet(keys.meta, 'completed'), String(2 * JOBS), 'each ended once');
      const again = readRuns(history).filter(({ kind, fence }) => kind === 'start' && fence > 1);
      for (const { id } of again) assert.ok(safe.some((handle) => handle.id === id));
      assert.match(daemon.log(), /accounts differ from the broker|the lease was lost/);
    });
  });
});
