import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import { until } from '../support/until.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';

const tasks = [join(ROOT, 'test/fixtures/tasks/hold-memory.ts')];
const poolWith = (max_rss: Record<string, string>) => ({
  tasks,
  pools: { cpu: { kind: 'process', workers: 1, queues: ['q'], recycle: { max_rss } } },
});

describe('recycling by memory', () => {
  it('replaces a worker above the soft limit when its job has ended', async () => {
    await withSupervisor(poolWith({ soft: '250MiB' }), async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const workers = async () => (await daemon.status()).pools[0]?.workers ?? [];
      const [before] = await workers();
      const job = await client.enqueue('hold-memory', { mib: 300, ms: 3_000 }, { queue: 'q', result: true });
      assert.equal(await job.result({ timeout: '20s' }), before?.pid);
      await until(async () => {
        const now = await workers();
        return now.length === 1 && now[0]?.pid !== before?.pid && now[0]?.state === 'ready';
      }, 20_000);
      assert.match(daemon.log(), /recycling worker.*max_rss/);
    });
  });

  it('kills a worker above the hard limit, which is a crash of its job', async () => {
    await withSupervisor(poolWith({ hard: '250MiB' }), async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      await client.enqueue('hold-memory', { mib: 300, ms: 60_000 }, { queue: 'q' });
      await until(async () => {
        const { stdout } = await daemon.cli('job', 'list', '-o', 'json');
        const [job] = (JSON.parse(stdout) as { jobs: { crashes: number; error: { message: string } }[] })
          .jobs;
        return job?.crashes === 1 && job.error.message.includes('its memory went beyond max_rss.hard');
      }, 20_000);
    });
  });
});
