import { Scripts, type Verb } from '../../src/broker/redis/scripts.ts';
import type { BrokerFixture } from '../contract/broker.ts';
import { plainClient, redisBroker } from './redis-broker.ts';
import type { RedisCluster } from './redis-cluster.ts';

/** A key for the clock would be in one slot only: the offset is in the scripts themselves, others after each move. */
class MovedScripts extends Scripts {
  #offsetMs = 0;
  #scripts = new Scripts();

  move(ms: number): void {
    this.#offsetMs += ms;
    this.#scripts = new Scripts({
      now: `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + (${this.#offsetMs})
`,
    });
  }

  override get(verb: Verb) {
    return this.#scripts.get(verb);
  }
}

/** As openRedisFixture, on a cluster. */
export async function openClusterFixture(cluster: RedisCluster): Promise<BrokerFixture> {
  const admins = await Promise.all(cluster.nodes.map(({ url }) => plainClient(url)));
  await Promise.all(admins.map((admin) => admin.flushAll()));
  const scripts = new MovedScripts();
  const broker = redisBroker({ url: cluster.url }, scripts);
  await broker.start();
  return {
    broker,
    async advance(ms) {
      scripts.move(ms);
      await Promise.all(admins.map((admin) => cutLives(admin, ms)));
    },
    async dispose() {
      await broker.close();
      for (const admin of admins) admin.destroy();
    },
  };
}

async function cutLives(admin: Awaited<ReturnType<typeof plainClient>>, ms: number): Promise<void> {
  for (const key of await admin.keys('fl:*')) {
    const left = await admin.pTTL(key);
    if (left >= 0) await admin.pExpire(key, left - ms);
  }
}
