/** Jobs that kill what runs them: each is dead before long and says why, and nobody else pays for it. */

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createClient } from '../../src/index.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const tasks = `
import { existsSync, readFileSync } from 'node:fs';
import { defineTask } from ${JSON.stringify(pathToFileURL(join(ROOT, 'dist/index.js')).href)};

export const harmless = defineTask('harmless', {
  run: (ms) => new Promise((resolve) => setTimeout(() => resolve('fine'), ms)),
});

/** Kills its worker, unless somebody has mended it. */
export const poison = defineTask('poison', {
  run: async ({ folder }) => {
    if (existsSync(folder + '/mended')) return 'mended';
    process.stderr.write('here I die\\n');
    await new Promise((resolve) => setTimeout(resolve, 100));
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {});
  },
});

/** Kills its daemon. */
export const regicide = defineTask('regicide', {
  run: async ({ folder }) => {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    process.kill(JSON.parse(readFileSync(folder + '/daemon.json', 'utf8')).pid, 'SIGKILL');
    return new Promise(() => {});
  },
});
`;

const config = {
  tasks: ['./tasks.mjs'],
  defaults: { timeout: '0s', retry: { attempts: 1 }, keep: { results: '10m' } },
  pools: { cpu: { kind: 'process', workers: 2, queues: ['q'] } },
};

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly crashes: number;
  readonly recoveries: number;
  readonly error: { readonly message: string } | null;
}

async function show(daemon: Daemon, id: string): Promise<Shown | undefined> {
  const { stdout } = await daemon.cli('job', 'list', '-o', 'json');
  return (JSON.parse(stdout || '{"jobs":[]}') as { jobs: Shown[] }).jobs.find((job) => job.id === id);
}

/** It may be killed before it is ready. */
const start = (daemon: Daemon): Promise<void> =>
  daemon.start().catch((error: unknown) => {
    if (!String((error as Error).cause).includes('ended before it was ready')) throw error;
  });

describe('a job that kills', function () {
  this.timeout(120_000);
  const run = (body: (daemon: Daemon) => Promise<void>) =>
    withSupervisor(config, body, {}, { 'tasks.mjs': tasks });

  it('its worker is dead after three crashes, with signal and last words; its neighbours are not touched, and it can be brought back', async () => {
    await run(async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const bad = await client.enqueue('poison', { folder: daemon.folder }, { queue: 'q', result: true });
      const others = await client.enqueueMany('harmless', Array(60).fill(50), { queue: 'q', result: true });
      await assert.rejects(bad.result({ timeout: '60s' }), /is dead/);
      assert.deepEqual(
        new Set(await Promise.all(others.map((other) => other.result({ timeout: '60s' })))),
        new Set(['fine']),
      );
      const dead = await show(daemon, bad.id);
      assert.deepEqual([dead?.state, dead?.crashes], ['dead', 3]);
      assert.match(dead?.error?.message ?? '', /SIGKILL/);
      assert.match(JSON.stringify(dead?.error), /here I die/);
      // No crash loop: as soon as the last worker that it killed is replaced, all is well.
      const poolState = async () => (await daemon.status()).pools[0]?.state;
      assert.match((await poolState()) ?? '', /^(ok|degraded)$/);
      await until(async () => (await poolState()) === 'ok');

      await writeFile(join(daemon.folder, 'mended'), '');
      const retried = await daemon.cli('job', 'retry', bad.id);
      assert.equal(retried.code, 0, retried.stderr);
      await until(async () => (await show(daemon, bad.id)) === undefined);
      const shown = await daemon.cli('job', 'show', bad.id, '-o', 'json');
      assert.match(shown.stdout, /mended/);
    });
  });

  it('its daemon is found, runs alone, and is dead; its neighbours are done', async () => {
    await run(async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const [bad] = await client.enqueueMany('regicide', [{ folder: daemon.folder }], { queue: 'q' });
      assert.ok(bad !== undefined);
      await daemon.exited;
      await start(daemon);
      const others = await client.enqueueMany('harmless', Array(20).fill(200), { queue: 'q', result: true });
      let starts = 1;
      let state: string | undefined;
      while (state !== 'dead') {
        let ended = false;
        void daemon.exited.then(() => {
          ended = true;
        });
        await until(async () => {
          state = ended ? state : (await show(daemon, bad.id).catch(() => undefined))?.state;
          return ended || state === 'dead';
        }, 60_000);
        if (state === 'dead') break;
        assert.ok(++starts <= 8, 'it is dead before long');
        await start(daemon);
      }
      const dead = await show(daemon, bad.id);
      assert.deepEqual([dead?.state, dead?.crashes], ['dead', 3]);
      assert.deepEqual(
        new Set(await Promise.all(others.map((other) => other.result({ timeout: '60s' })))),
        new Set(['fine']),
      );
    });
  });
});
