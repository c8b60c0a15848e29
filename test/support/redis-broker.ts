import { createClient } from 'redis';
import { RedisBroker, type RedisBrokerOptions } from '../../src/broker/redis/redis-broker.ts';
import { Scripts } from '../../src/broker/redis/scripts.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { BrokerFixture } from '../contract/broker.ts';

/**
 * The part of the scripts that reads the clock, with an offset that a test sets. It is put in the place of the real one
 * when the scripts are composed, so that production has neither the key nor a switch.
 */
const MOVABLE_NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + (redis.call('GET', 'test:clock') or 0)
`;

export function redisBroker(
  options: Partial<RedisBrokerOptions> & { url: string },
  scripts = new Scripts({ now: MOVABLE_NOW }),
): RedisBroker {
  const defaults = { namespace: `test-${newId()}`, callDeadlineMs: 20_000, clock: systemClock };
  const rest = { random: Math.random, newId, log: silentLogger };
  return new RedisBroker({ ...defaults, ...rest, ...options }, scripts);
}

/** A plain client to look at the keys and to spoil them. */
export async function plainClient(url: string) {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/**
 * A started broker on an emptied server whose clock moves: the scripts' time by an offset, lives of keys by its cut.
 * `as`: the url by which the broker logs in, if it is another user.
 */
export async function openRedisFixture(url: string, as = url): Promise<BrokerFixture> {
  const admin = await plainClient(url);
  await admin.flushAll();
  const broker = redisBroker({ url: as });
  await broker.start();
  return {
    broker,
    async advance(ms) {
      await admin.incrBy('test:clock', ms);
      for (const key of await admin.keys('fl:*')) {
        const left = await admin.pTTL(key);
        if (left >= 0) await admin.pExpire(key, left - ms);
      }
    },
    async dispose() {
      await broker.close();
      await admin.close();
    },
  };
}
