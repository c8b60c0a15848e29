import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';

const FLOOD = 6_000;
const FEW = 20;
/**
 * Each gets its jobs when those of the one before have ended. A busy machine may hear of one late; a poll may by chance hear of
 * the first one soon, which does not count therefore, and of none of the later ones.
 */
const SMALL = ['small-1', 'small-2', 'small-3'];

describe('a queue beside a flooded one of the same pool', () => {
  define({});
});

describeRedis('a queue beside a flooded one of the same pool, on Redis', () => {
  let redis: RedisServer;
  const broker = { type: 'redis', url: '' };
  before(async () => {
    redis = await startRedis();
    broker.url = redis.url;
  });
  after(() => redis.stop());
  define({ broker });
});

function define(more: object): void {
  for (const [name, pool, most] of [
    // The flood runs 250 and 1,600 jobs a second: a poll of each second lets through at least twice as many.
    ['a process pool', { kind: 'process', workers: 2 }, 120],
    ['an async pool', { kind: 'async', concurrency: 8 }, 400],
  ] as const) {
    it(`starts its jobs in turn with the others: ${name}`, async function () {
      this.timeout(60_000);
      const folder = mkdtempSync(join(tmpdir(), 'fl-order-'));
      const file = join(folder, 'order');
      writeFileSync(file, '');
      const order = () => readFileSync(file, 'utf8').split('\n').slice(0, -1);
      const config = {
        tasks: [join(ROOT, 'test/fixtures/tasks/write-order.mjs')],
        ...more,
        pools: { only: { ...pool, queues: ['flooded', ...SMALL], env: { ORDER_FILE: file } } },
      };
      try {
        await withSupervisor(config, async (daemon) => {
          await using client = createClient({ config: daemon.configPath, enqueueTimeout: '30s' });
          await client.enqueueMany('write-order', Array(FLOOD).fill('flooded'), { queue: 'flooded' });
          await until(async () => order().length >= 50, 20_000);
          const ahead: number[] = [];
          for (const queue of SMALL) {
            await client.enqueueMany('write-order', Array(FEW).fill(queue), { queue });
            const before = order().length;
            await until(async () => order().filter((each) => each === queue).length === FEW, 30_000);
            const meanwhile = order().slice(before, order().lastIndexOf(queue));
            ahead.push(meanwhile.filter((each) => each === 'flooded').length);
          }
          assert.ok(order().length < FLOOD, 'the flood was over too soon');
          // One each in turn, and what began before the others were heard of, for which a busy machine takes a moment now and then.
          assert.ok(
            Math.min(...ahead.slice(1)) < most,
            `${ahead.join(', ')} jobs of the flooded queue began before the last of ${FEW}`,
          );
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
}
