import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { createClient } from '../../src/index.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const config = {
  tasks: [join(ROOT, 'test/fixtures/tasks/echo.ts')],
  defaults: { timeout: '30s', retry: { attempts: 1 } },
  pools: { io: { kind: 'async', concurrency: 4, queues: ['default'] } },
};

async function edit(daemon: Daemon, change: (config: Record<string, never>) => void): Promise<void> {
  const current = parse(await readFile(daemon.configPath, 'utf8'));
  change(current);
  await writeFile(daemon.configPath, stringify(current));
}

const outcome = (stdout: string) => JSON.parse(stdout).outcome;

describe('reload', () => {
  it('applies what is hot, to jobs that come afterwards, and counts the generation', async () => {
    await withSupervisor(config, async (daemon) => {
      await edit(daemon, (file) => Object.assign(file, { log: { level: 'debug' } }));
      const dry = await daemon.cli('reload', '--dry-run', '-o', 'json');
      assert.deepEqual([dry.code, outcome(dry.stdout)], [0, 'planned']);
      assert.equal((await daemon.status()).config.generation, 1);
      const { code, stdout } = await daemon.cli('reload');
      assert.equal(code, 0);
      assert.match(stdout, /generation 2[\s\S]*log\.level +info +debug +at once/);
      const { generation, last_reload } = (await daemon.status()).config;
      assert.deepEqual([generation, last_reload?.outcome], [2, 'applied']);
      await using client = createClient({ config: daemon.configPath });
      await client.enqueue('noop', 1);
      await until(() => daemon.log().includes('"level":"debug"'));
    });
  });

  it('refuses an invalid file with its lines and exit code 1, and a restart-only change with 2', async () => {
    await withSupervisor(config, async (daemon) => {
      const good = await readFile(daemon.configPath, 'utf8');
      await writeFile(daemon.configPath, `${good}\nnonsense: 1\n`);
      const invalid = await daemon.cli('reload');
      assert.equal(invalid.code, 1);
      assert.match(invalid.stdout, /supervisor\.yaml:\d+:1: error: nonsense: unknown key/);
      await writeFile(daemon.configPath, good);
      await edit(daemon, (file) => Object.assign(file, { namespace: 'other' }));
      const restart = await daemon.cli('reload');
      assert.equal(restart.code, 2);
      assert.match(restart.stdout, /namespace/);
      assert.equal((await daemon.status()).config.generation, 1);
    });
  });

  it('can be told by SIGHUP, and keeps running whatever the file says', async () => {
    await withSupervisor(config, async (daemon) => {
      await writeFile(daemon.configPath, 'tasks: [');
      daemon.kill('SIGHUP');
      await until(() => daemon.log().includes('reload refused'));
      assert.equal((await daemon.status()).config.last_reload?.outcome, 'invalid');
      const stopped = await daemon.cli('stop', '--socket', daemon.socket);
      assert.equal(stopped.code, 0);
    });
  });

  it('lets a daemon be looked at and stopped while its file is wrong', async () => {
    await withSupervisor(config, async (daemon) => {
      const good = await readFile(daemon.configPath, 'utf8');
      await writeFile(daemon.configPath, `${good}\nnonsense: 1\n`);
      assert.equal((await daemon.cli('status')).code, 0);
      assert.equal((await daemon.cli('stop')).code, 0);
    });
  });
});
