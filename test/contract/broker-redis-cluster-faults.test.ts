import assert from 'node:assert/strict';
import type { BrokerError } from '../../src/broker/broker-error.ts';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import type { RedisBroker, RedisBrokerOptions } from '../../src/broker/redis/redis-broker.ts';
import { Scripts } from '../../src/broker/redis/scripts.ts';
import { slotOf } from '../../src/broker/redis/slot.ts';
import { redisBroker } from '../support/redis-broker.ts';
import {
  addReplica,
  ask,
  errorsOf,
  queueForEach,
  type RedisCluster,
  removeNode,
  SlotMove,
  startCluster,
} from '../support/redis-cluster.ts';
import { describeRedis, type RedisServer } from '../support/redis-server.ts';
import { callCount } from '../support/redis-stats.ts';
import { until } from '../support/until.ts';
import { entry, World } from './broker/world.ts';

const NAMESPACE = 'faults';
const keysOf = (queue: string) => queueKeys(NAMESPACE, queue);

describeRedis('the redis broker on a cluster, whose', () => {
  let cluster: RedisCluster;
  let queues: readonly string[] = [];
  const brokers: RedisBroker[] = [];

  beforeEach(async () => {
    cluster = await startCluster({ persistence: 'aof' });
    queues = queueForEach(cluster, (queue) => keysOf(queue).wake);
  });

  afterEach(async () => {
    for (const broker of brokers.splice(0)) await broker.close();
    await cluster.stop();
  });

  const connect = async (options: Partial<RedisBrokerOptions> = {}): Promise<RedisBroker> => {
    const broker = redisBroker({ url: cluster.url, namespace: NAMESPACE, ...options }, new Scripts());
    brokers.push(broker);
    await broker.start();
    return broker;
  };
  const enqueue = async (broker: RedisBroker, queue: string): Promise<unknown> => {
    const world = new World({ broker, advance: async () => {}, dispose: async () => {} });
    return (await broker.enqueue(queue, await world.batch([entry({})]))).status;
  };

  it('slot has moved: the call that finds it out is answered all the same', async () => {
    const broker = await connect();
    const [queue] = queues as [string];
    const [from, to] = [cluster.nodes[0]!, cluster.nodes[1]!];
    assert.equal(await enqueue(broker, queue), 'stored');
    const move = await SlotMove.begin(slotOf(keysOf(queue).wake), from, to);
    await move.moveKeys();
    await move.end(cluster.nodes);
    assert.equal((await broker.stats(queue)).ready, 1);
    assert.equal(await errorsOf(from, 'MOVED'), 1);
    assert.equal(await enqueue(broker, queue), 'stored');
    assert.equal((await broker.stats(queue)).ready, 2);
    assert.equal(await errorsOf(from, 'MOVED'), 1, 'asked there once');
    const daemon = await connect();
    assert.deepEqual(await daemon.wait([queue], new AbortController().signal), [queue]);
  });

  it('slot is on its way: what needs one key is answered by the node that has it, all else is refused', async () => {
    const broker = await connect();
    const [queue] = queues as [string];
    const [from, to] = [cluster.nodes[0]!, cluster.nodes[1]!];
    const { result } = keysOf(queue);
    for (const id of ['a', 'b']) await ask(from.port, 'SET', result(id), id);
    assert.equal(await enqueue(broker, queue), 'stored');
    const move = await SlotMove.begin(slotOf(keysOf(queue).wake), from, to);
    await ask(from.port, 'MIGRATE', '127.0.0.1', String(to.port), result('a'), '0', '5000');
    assert.deepEqual(await broker.results(queue, ['a']), ['a']);
    assert.deepEqual(await broker.results(queue, ['b']), ['b']);
    assert.ok((await errorsOf(from, 'ASK')) > 0);
    await assert.rejects(broker.results(queue, ['a', 'b']), { disposition: 'refused' });
    await assert.rejects(enqueue(broker, queue), (error: BrokerError) => {
      assert.equal(error.disposition, 'refused');
      return /TRYAGAIN/.test(error.message);
    });
    await move.moveKeys();
    await assert.rejects(enqueue(broker, queue), { disposition: 'refused' });
    await move.end(cluster.nodes);
    assert.equal(await enqueue(broker, queue), 'stored');
    assert.deepEqual(await broker.results(queue, ['a', 'b']), ['a', 'b']);
    assert.equal((await broker.stats(queue)).ready, 2);
  });

  it('wakes come from every node, and one that no wait takes up is given back', async () => {
    const broker = await connect();
    const { signal } = new AbortController();
    for (const queue of [...queues, ...queues]) {
      const waiting = broker.wait(queues, signal);
      assert.equal(await enqueue(broker, queue), 'stored');
      assert.deepEqual(await waiting, [queue]);
    }
    // The reads of the other queues are still there for a moment: they may take this marker, and must not keep it.
    const waiting = broker.wait(queues, signal);
    await enqueue(broker, queues[0]!);
    const first = await waiting;
    await broker.setPaused(queues[2]!, { paused: true, version: 1 });
    await broker.setPaused(queues[2]!, { paused: false, version: 2 });
    const other = await connect();
    assert.deepEqual(await other.wait([queues[2]!], signal), [queues[2]]);
    assert.deepEqual(first, [queues[0]]);
  });

  it('master has died and was replaced by its replica: its queues go on there', async () => {
    const [master] = cluster.nodes;
    const [queue, other] = queues as readonly [string, string];
    const replica = await addReplica(cluster, master!);
    const broker = await connect({ callDeadlineMs: 500 });
    assert.equal(await enqueue(broker, queue), 'stored');
    assert.equal(await ask(master!.port, 'WAIT', '1', '10000'), 1);
    await master!.kill();
    await assert.rejects(broker.stats(queue), (error: BrokerError) => error.disposition !== 'fatal');
    assert.equal((await broker.stats(other)).ready, 0);
    assert.equal(broker.up, true);
    await ask(replica.port, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
    await until(async () => (await broker.stats(queue).catch(() => null))?.ready === 1);
    assert.equal(await enqueue(broker, queue), 'stored');
    assert.deepEqual(await broker.wait([queue], new AbortController().signal), [queue]);
  });

  it('only queue in use is away: it is told so, and back when its master is', async () => {
    const victim = cluster.nodes[2]!;
    const queue = queues[2]!;
    const broker = await connect({ callDeadlineMs: 500 });
    assert.equal(await enqueue(broker, queue), 'stored');
    await victim.kill();
    await assert.rejects(broker.stats(queue), { code: 'ERR_BROKER_UNAVAILABLE' });
    assert.equal(broker.up, false);
    await victim.restart();
    await until(async () => (await broker.stats(queue).catch(() => null))?.ready === 1);
    assert.equal(broker.up, true);
  });

  it('first node is away at the start: calls are refused until it is there', async () => {
    const [first] = cluster.nodes;
    await first!.kill();
    const broker = await connect({ callDeadlineMs: 500 });
    const { signal } = new AbortController();
    const waiting = broker.wait([queues[1]!, queues[2]!], signal);
    await assert.rejects(broker.stats(queues[1]!), { disposition: 'refused' });
    await first!.restart();
    await until(async () => (await broker.stats(queues[1]!).catch(() => null)) !== null);
    await enqueue(broker, queues[1]!);
    assert.deepEqual(await waiting, [queues[1]]);
  });

  it('first node dies later: the others tell where slots are', async () => {
    const broker = await connect({ callDeadlineMs: 500 });
    const [, queue] = queues as readonly [string, string];
    await cluster.nodes[0]!.kill();
    const move = await SlotMove.begin(slotOf(keysOf(queue).wake), cluster.nodes[1]!, cluster.nodes[2]!);
    await move.end(cluster.nodes.slice(1));
    assert.equal(await enqueue(broker, queue), 'stored');
    assert.equal(await errorsOf(cluster.nodes[1]!, 'MOVED'), 1);
  });

  it('node of the url was removed, and stays up alone: the others tell where slots are', async () => {
    const [removed, ...others] = cluster.nodes as [RedisServer, RedisServer, RedisServer];
    const broker = await connect({ callDeadlineMs: 500 });
    for (const queue of queues) assert.equal(await enqueue(broker, queue), 'stored');
    await removeNode(removed, others);
    await until(async () => (await broker.stats(queues[0]!).catch(() => null))?.ready === 1);
    // Anything that makes the broker look at the map once more leads it to the removed node first.
    const looks = () => callCount(removed, 'cluster\\|slots');
    const before = await looks();
    await ask(removed.port, 'CLIENT', 'KILL', 'TYPE', 'normal');
    await until(async () => (await looks()) > before);
    for (const queue of queues) assert.equal(await enqueue(broker, queue), 'stored');
    for (const queue of queues) assert.equal((await broker.stats(queue)).ready, 2);
    assert.equal(broker.up, true);
  });

  it('other master may evict jobs, or whose url names a database: refused at the start', async () => {
    await ask(cluster.nodes[2]!.port, 'CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
    await assert.rejects(connect(), { code: 'ERR_BROKER_UNFIT', message: /allkeys-lru/ });
    await ask(cluster.nodes[2]!.port, 'CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await connect({ url: `${cluster.url}/0` });
    await assert.rejects(connect({ url: `${cluster.url}/1` }), {
      code: 'ERR_BROKER_UNFIT',
      message: /a Redis Cluster has no database but 0/,
    });
  });

  it('nodes ask for a password and a user: each is given them', async () => {
    for (const { port } of cluster.nodes)
      await ask(port, 'ACL', 'SETUSER', 'jobs', 'on', '>secret', '~*', '+@all');
    for (const { port } of cluster.nodes) await ask(port, 'ACL', 'SETUSER', 'default', '-@all');
    const url = cluster.url.replace('//', '//jobs@');
    const broker = await connect({ url, password: async () => 'secret' });
    for (const queue of queues) assert.equal(await enqueue(broker, queue), 'stored');
    const inUrl = await connect({ url: cluster.url.replace('//', '//jobs:secret@') });
    for (const queue of queues) assert.equal((await inUrl.stats(queue)).ready, 1);
  });
});
