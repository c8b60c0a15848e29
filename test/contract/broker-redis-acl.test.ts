import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import { Scripts } from '../../src/broker/redis/scripts.ts';
import { slotOf } from '../../src/broker/redis/slot.ts';
import { openRedisFixture, plainClient, redisBroker } from '../support/redis-broker.ts';
import { ask, errorsOf, SlotMove, startCluster } from '../support/redis-cluster.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';
import { brokerContract } from './broker.ts';

/** The user as the page tells operators to make it. */
const page = readFileSync(join(ROOT, 'docs/deployment.md'), 'utf8');
const rules = /^ACL SETUSER (forkloop (?:.*\\\n)*.*)$/m.exec(page)?.[1]?.split(/[\s\\]+/) ?? [];

describeRedis('a Redis user with the rights that docs/deployment.md names', () => {
  let server: RedisServer;
  let url = '';

  before(async () => {
    server = await startRedis();
    const admin = await plainClient(server.url);
    const password = rules.find((rule) => rule.startsWith('>'))?.slice(1) ?? '';
    await admin.sendCommand(['ACL', 'SETUSER', ...rules]);
    // The tests' own scripts read a clock that the tests move; their namespaces are not the page's.
    await admin.sendCommand(['ACL', 'SETUSER', 'forkloop', '%R~test:clock', '~fl:{test-*']);
    await admin.close();
    url = server.url.replace('//', `//forkloop:${password}@`);
  });

  after(() => server.stop());

  brokerContract('redis', { open: () => openRedisFixture(server.url, url) });

  it('is enough for a daemon and its commands, and no command is refused', async () => {
    const config = {
      tasks: [join(ROOT, 'test/fixtures/compiled/tasks.mjs')],
      broker: { type: 'redis', url },
      defaults: { keep: { results: '10m' } },
      pools: { io: { kind: 'async', queues: ['default'] } },
      schedules: { beat: { task: 'echo', every: '1s' } },
    };
    await withSupervisor(config, async (daemon) => {
      for (const words of [
        ['enqueue', 'echo', '1', '--wait'],
        ['enqueue', 'steer', '"dead"'],
        ['job', 'list'],
        ['status'],
        ['schedule', 'list'],
        ['doctor'],
      ]) {
        let ran = await daemon.cli(...words);
        // A machine with too much to do may need more than two seconds to load the driver and to connect.
        for (let tries = 0; ran.code === 69 && tries < 10; tries++) ran = await daemon.cli(...words);
        assert.equal(ran.code, 0, ran.stdout + ran.stderr);
      }
      assert.doesNotMatch(daemon.log(), /NOPERM/);
    });
    const admin = await plainClient(server.url);
    const stats = await admin.info('commandstats');
    await admin.close();

    const refused = stats.split('\r\n').filter((line) => /rejected_calls=[1-9]/.test(line));
    assert.deepEqual(refused, []);
  });

  it('is enough on each node of a cluster, also while a slot is on its way', async () => {
    const cluster = await startCluster();
    const namespace = 'forkloop';
    const keys = queueKeys(namespace, 'orders');
    const nodeUrl = url.replace(/@.*/, `@127.0.0.1:${cluster.nodes[0]!.port}`);
    const broker = redisBroker({ url: nodeUrl, namespace }, new Scripts());
    try {
      for (const { port } of cluster.nodes) await ask(port, 'ACL', 'SETUSER', ...rules);
      await broker.start();
      const from = cluster.holderOf(keys.wake);
      const to = cluster.nodes.find((node) => node !== from)!;
      await ask(from.port, 'SET', keys.result('a'), 'done');
      const move = await SlotMove.begin(slotOf(keys.wake), from, to);
      await move.moveKeys();
      assert.deepEqual(await broker.results('orders', ['a']), ['done']);
      await move.end(cluster.nodes);
      assert.equal((await broker.stats('orders')).ready, 0);
      for (const node of cluster.nodes) assert.equal(await errorsOf(node, 'NOPERM'), 0);
    } finally {
      await broker.close();
      await cluster.stop();
    }
  });

  it('can neither see other keys nor change the server', async () => {
    const client = await plainClient(url);
    try {
      for (const command of [
        ['GET', 'session:1'],
        ['KEYS', '*'],
        ['CONFIG', 'GET', '*'],
        ['FLUSHALL'],
        ['ACL', 'LIST'],
      ])
        await assert.rejects(client.sendCommand(command), /NOPERM/, command.join(' '));
    } finally {
      await client.close();
    }
  });

  it('without a right it needs, the daemon is told which', async () => {
    const admin = await plainClient(server.url);
    await admin.sendCommand(['ACL', 'SETUSER', 'poor', 'on', '>x', '~other:*', '+@all']);
    await admin.close();
    const fixture = openRedisFixture(server.url, server.url.replace('//', '//poor:x@'));
    const { broker, dispose } = await fixture;
    try {
      await assert.rejects(
        broker.stats('q'),
        /NOPERM.*the ACL user of the broker lacks a command or the keys fl:\*/,
      );
    } finally {
      await dispose();
    }
  });
});
