import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Check } from '../../src/cli/doctor-checks.ts';
import { describeRedis, startRedis } from '../support/redis-server.ts';
import { type Daemon, ROOT, runSupervisor, withSupervisor } from '../support/with-supervisor.ts';

const config = {
  name: 'patient',
  tasks: [join(ROOT, 'test/fixtures/tasks/echo.ts')],
  pools: { io: { kind: 'async', queues: ['default'] } },
};

async function examined(daemon: Daemon, ...words: string[]) {
  const { code, stdout, stderr } = await daemon.cli('doctor', '-o', 'json', ...words);
  assert.equal(stderr, '');
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return { code, of: new Map(checks.map((check) => [check.name, check])) };
}

describe('bin/supervisor doctor', function () {
  this.timeout(60_000);

  it('finds the daemon that runs, and its store; then one that does not answer', async () => {
    await withSupervisor(config, async (daemon) => {
      const { code, of } = await examined(daemon);
      assert.equal(code, 0);
      assert.match(
        of.get('daemon')?.message ?? '',
        new RegExp(`^patient runs as process ${daemon.pid}, running, with `),
      );
      assert.equal(of.get('broker')?.message, 'the embedded store answers through the daemon');
      assert.equal(of.get('typescript')?.status, 'ok');
      process.kill(daemon.pid, 'SIGSTOP');
      try {
        const stopped = await examined(daemon, '--timeout', '300ms');
        assert.equal(stopped.code, 1);
        assert.equal(stopped.of.get('daemon')?.status, 'fail');
        assert.match(stopped.of.get('daemon')?.message ?? '', /no answer within 300 ms/);
      } finally {
        process.kill(daemon.pid, 'SIGCONT');
      }
    });
  });

  describeRedis('with Redis', () => {
    it('warns of a server that forgets when it ends, as the log does, once', async () => {
      const redis = await startRedis();
      try {
        await withSupervisor({ ...config, broker: { type: 'redis', url: redis.url } }, async (daemon) => {
          const { code, of } = await examined(daemon);
          assert.deepEqual([code, of.get('broker')?.status], [0, 'warn']);
          assert.match(of.get('broker')?.message ?? '', /no append-only file.*set appendonly yes/);
          const told = daemon
            .log()
            .split('\n')
            .filter((line) => line.includes('append-only'));
          assert.equal(told.length, 1, daemon.log());
        });
      } finally {
        await redis.stop();
      }
    });

    it('asks the server whether it is there and fit', async () => {
      const redis = await startRedis({ persistence: 'aof' });
      try {
        await withSupervisor({ ...config, broker: { type: 'redis', url: redis.url } }, async (daemon) => {
          const good = await examined(daemon);
          assert.deepEqual([good.code, good.of.get('broker')?.message], [0, 'redis answers and is fit']);
          await redis.kill();
          const away = await examined(daemon);
          assert.deepEqual([away.code, away.of.get('broker')?.status], [1, 'fail']);
        });
      } finally {
        await redis.stop();
      }
      const folder = await mkdtemp(join(tmpdir(), 'fl-'));
      const evicting = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
      try {
        const yaml = stringify({ ...config, version: 1, broker: { type: 'redis', url: evicting.url } });
        await writeFile(join(folder, 's.yaml'), yaml);
        const { code, stdout } = await runSupervisor(['doctor', '-c', 's.yaml', '-o', 'ndjson'], {
          cwd: folder,
        });
        assert.equal(code, 1);
        const broker = stdout.split('\n').find((line) => line.includes('"broker"')) ?? '{}';
        assert.match(
          (JSON.parse(broker) as Check).message,
          /maxmemory-policy is allkeys-lru; set it to noeviction/,
        );
      } finally {
        await evicting.stop();
        await rm(folder, { recursive: true });
      }
    });
  });
});
