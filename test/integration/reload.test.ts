import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parse, stringify } from 'yaml';
import { type Client, createClient, type JobHandle } from '../../src/index.ts';
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
  // In one step, as editors and deploys do: a client reads the file whenever it likes.
  await writeFile(`${daemon.configPath}.new`, stringify(current));
  await rename(`${daemon.configPath}.new`, daemon.configPath);
}

/** A task module that says which version it is; `slow` answers the number of its delivery. */
const versionModule = (version: string) => `
import { defineTask } from ${JSON.stringify(pathToFileURL(join(ROOT, 'dist/index.js')).href)};
export const version = defineTask('version', { run: () => ${JSON.stringify(version)} });
export const slow = defineTask('slow', {
  run: (_, { fence }) => new Promise((resolve) => setTimeout(() => resolve(fence), 10)),
});
`;

/** What is wrong with the deploy, if anything, is told to the workers of one pool alone. */
const FAULTY = `
if (process.env.FAULT === 'throw') throw new Error('half a deploy');
if (process.env.FAULT === 'exit') process.exit(3);
if (process.env.FAULT === 'late') setTimeout(() => process.exit(4), 300);
`;

const withFault = (pools: Record<string, object>, fault: string, faulty = '') =>
  Object.fromEntries(
    Object.entries(pools).map(([name, pool]) => [
      name,
      { ...pool, env: { FAULT: name === faulty ? fault : '' } },
    ]),
  );

const workersOf = async (daemon: Daemon) =>
  (await daemon.status()).pools.map(({ name, workers }) => [
    name,
    workers.map(({ pid, generation, restarts }) => [pid, generation, restarts]),
  ]);

/** Jobs in every queue until its end is asked for. */
function keepBusy(client: Client, queues: readonly string[]) {
  const handles: JobHandle[] = [];
  let ends = false;
  const run = async (queue: string) => {
    while (!ends) {
      const some = await client.enqueueMany('slow', [1, 2, 3], { queue, result: true });
      handles.push(...some);
      await some.at(-1)?.result({ timeout: '30s' });
    }
  };
  const runs = queues.map(run);
  return {
    async end(): Promise<readonly JobHandle[]> {
      ends = true;
      await Promise.all(runs);
      return handles;
    },
  };
}

const outcome = (stdout: string) => JSON.parse(stdout).outcome;

describe('reload', () => {
  it('applies what is hot, to jobs that come afterwards, and counts the generation', async () => {
    await withSupervisor(config, async (daemon) => {
      await edit(daemon, (file) => Object.assign(file, { log: { level: 'debug' } }));
      const dry = await daemon.cli('reload', '--dry-run', '-o', 'json');
      assert.deepEqual([dry.code, outcome(dry.stdout)], [0, 'planned']);
      assert.equal((await daemon.status()).config.generation, 1);
      const { code, stdout } = await daemon.cli('reload', '--wait');
      assert.equal(code, 0);
      assert.match(stdout, /generation 2[\s\S]*log\.level +info +debug +at once/);
      const { generation, last_reload } = (await daemon.status()).config;
      assert.deepEqual([generation, last_reload?.outcome], [2, 'applied']);
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
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

  it('picks up new code and settings in every kind of pool, while no job is lost or run twice', async function () {
    this.timeout(120_000);
    const pools = {
      forked: { kind: 'process', workers: 2, queues: ['forked'] },
      thread: { kind: 'async', concurrency: 10, queues: ['thread'] },
      child: { kind: 'async', host: 'process', concurrency: 10, queues: ['child'] },
    };
    await withSupervisor(
      { tasks: ['./task.mjs'], pools },
      async (daemon) => {
        await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
        const queues = Object.keys(pools);
        const versions = (queue: string) =>
          client
            .enqueue('version', null, { queue, result: true })
            .then((handle) => handle.result({ timeout: '20s' }));
        assert.deepEqual(await Promise.all(queues.map(versions)), ['v1', 'v1', 'v1']);
        const load = queues.map((queue) =>
          client.enqueueMany(
            'slow',
            Array.from({ length: 300 }, (_, i) => i),
            { queue, result: true },
          ),
        );
        const handles = (await Promise.all(load)).flat();
        await writeFile(join(daemon.folder, 'task.mjs'), versionModule('v2'));
        const reload = await daemon.cli('reload');
        assert.equal(reload.code, 0, reload.stdout + reload.stderr);
        assert.deepEqual(await Promise.all(queues.map(versions)), ['v2', 'v2', 'v2']);
        const fences = await Promise.all(handles.map((handle) => handle.result({ timeout: '30s' })));
        assert.deepEqual(new Set(fences), new Set([1]), 'each ran in its first delivery');
        const {
          pools: after,
          config: { generation },
        } = await daemon.status();
        assert.equal(generation, 2);
        assert.ok(after.every(({ workers }) => workers.every((worker) => worker.generation === 2)));
      },
      {},
      { 'task.mjs': versionModule('v1') },
    );
  });

  it('keeps the old workers when the new code does not start', async () => {
    const pools = { forked: { kind: 'process', workers: 1, queues: ['default'] } };
    await withSupervisor(
      { tasks: ['./task.mjs'], pools },
      async (daemon) => {
        await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
        await writeFile(join(daemon.folder, 'task.mjs'), 'throw new Error("half a deploy");');
        const reload = await daemon.cli('reload');
        assert.equal(reload.code, 1);
        assert.match(reload.stdout, /half a deploy/);
        const handle = await client.enqueue('version', null, { result: true });
        assert.equal(await handle.result({ timeout: '10s' }), 'v1');
        await edit(daemon, (file) => Object.assign(file, { log: { level: 'warn' } }));
        await writeFile(join(daemon.folder, 'task.mjs'), versionModule('v3'));
        assert.equal((await daemon.cli('reload')).code, 0);
        const next = await client.enqueue('version', null, { result: true });
        assert.equal(await next.result({ timeout: '10s' }), 'v3');
      },
      {},
      { 'task.mjs': versionModule('v1') },
    );
  });

  it('keeps the workers of every kind of pool, and their jobs undisturbed, whatever a deploy does', async function () {
    this.timeout(120_000);
    const pools = {
      forked: { kind: 'process', workers: 2, queues: ['forked'] },
      thread: { kind: 'async', concurrency: 10, queues: ['thread'] },
      child: { kind: 'async', host: 'process', concurrency: 10, queues: ['child'] },
    };
    await withSupervisor(
      { tasks: ['./task.mjs'], pools: withFault(pools, '') },
      async (daemon) => {
        await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
        const before = await workersOf(daemon);
        const load = keepBusy(client, Object.keys(pools));
        for (const [fault, reason] of [
          ['throw', /half a deploy/],
          ['exit', /did not last.*(exit|code 3)/],
          ['late', /did not last.*(exit|code 4)/],
        ] as const) {
          for (const pool of Object.keys(pools)) {
            await edit(daemon, (file) => Object.assign(file, { pools: withFault(pools, fault, pool) }));
            const { code, stdout } = await daemon.cli('reload');
            assert.equal(code, 1, stdout);
            assert.match(stdout, new RegExp(`pool ${pool} keeps its workers`));
            assert.match(stdout, reason);
          }
        }
        assert.deepEqual(await workersOf(daemon), before);
        const handles = await load.end();
        const fences = await Promise.all(handles.map((handle) => handle.result({ timeout: '30s' })));
        assert.deepEqual(new Set(fences), new Set([1]), 'each ran in its first delivery');
        assert.ok(handles.length > 100, `${handles.length} jobs`);
      },
      {},
      { 'task.mjs': FAULTY + versionModule('v1') },
    );
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
