import assert from 'node:assert/strict';
import { slotOf } from '../../src/broker/redis/slot.ts';
import { openClusterFixture } from '../support/cluster-broker.ts';
import { ask, type RedisCluster, startCluster } from '../support/redis-cluster.ts';
import { describeRedis } from '../support/redis-server.ts';
import { brokerContract } from './broker.ts';

describeRedis('the redis broker on a cluster of three masters', () => {
  let cluster: RedisCluster;

  before(async function () {
    this.timeout(60_000);
    cluster = await startCluster();
  });

  after(async () => {
    await cluster?.stop();
  });

  brokerContract('redis cluster', { open: () => openClusterFixture(cluster) });

  it('computes the slot of a key as the nodes do', async () => {
    const { port } = cluster.nodes[0]!;
    const keys = [
      'fl:{forkloop:io}:wake',
      'a',
      '',
      '{a}b',
      '{}x',
      '{}{a}',
      'x{a}{b}',
      'a}b{c}',
      'a{b',
      '{{a}}',
      'ü{é}',
    ];
    for (const key of keys) assert.equal(slotOf(key), await ask(port, 'CLUSTER', 'KEYSLOT', key), key);
  });
});
