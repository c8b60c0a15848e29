import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import { ROOT, withSupervisor } from '../support/with-supervisor.ts';

const config = {
  tasks: [join(ROOT, 'test/fixtures/tasks/process-exit.ts')],
  pools: {
    cpu: {
      kind: 'process',
      workers: 1,
      queues: ['cpu'],
      restart: { initial: '1ms', intensity: 1, on_crash_loop: 'exit' },
    },
  },
};

describe('a crash loop with on_crash_loop: exit', () => {
  it('ends the daemon with code 70 and says why', async () => {
    await withSupervisor(config, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const inputs = Array.from({ length: 6 }, () => ({ code: 3 }));
      await client.enqueueMany('process-exit', inputs, { queue: 'cpu' });
      assert.equal((await daemon.exited).code, 70);
      assert.match(daemon.log(), /pool cpu is in a crash loop.*on_crash_loop: exit.*process\.exit\(3\)/);
    });
  });
});
