import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';

const FLOOD = 1_500;
const FEW = 20;

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
  for (const [name, pool] of [
    ['a process pool', { kind: 'process', workers: 2 }],
    ['an async pool', { kind: 'async', concurrency: 8 }],
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
        pools: { only: { ...pool, queues: ['flooded', 'small'], env: { ORDER_FILE: file } } },
      };
      try {
        await withSupervisor(config, async (daemon) => {
          await using client = createClient({ config: daemon.configPath, enqueueTimeout: '30s' });
          await client.enqueueMany('write-order', Array(FLOOD).fill('flooded'), { queue: 'flooded' });
          await until(async () => order().length >= 50, 20_000);
          await client.enqueueMany('write-order', Array(FEW).fill('small'), { queue: 'small' });
          const before = order().length;
          await until(async () => order().filter((each) => each === 'small').length === FEW, 30_000);
          const meanwhile = order().slice(before, order().lastIndexOf('small')).length - FEW;
          // One each in turn, and what began before the others were heard of: at 1,600 a second that is 160 for each tenth of a second that
          // a busy machine takes for it. Heard by the poll of each second, or without turns, it would be 500 to all that were left.
          assert.ok(
            meanwhile < 16 * FEW,
            `${meanwhile} jobs of the flooded queue began before the last of ${FEW}`,
          );
        });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
}
