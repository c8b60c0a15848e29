import { openRedisFixture } from '../support/redis-broker.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { brokerContract } from './broker.ts';

describeRedis('the redis broker', () => {
  let server: RedisServer;

  before(async () => {
    server = await startRedis();
  });

  after(async () => {
    await server.stop();
  });

  brokerContract('redis', { open: () => openRedisFixture(server.url) });
});
