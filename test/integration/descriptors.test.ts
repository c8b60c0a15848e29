/** A running daemon may open nothing more: no pipe of a worker, no connection, no file. Then it may again. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import { cpuMs } from '../support/processes.ts';
import { plainClient } from '../support/redis-broker.ts';
import { describeRedis, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

/** What a moment may differ: a connection that comes or goes. */
const DESCRIPTOR_SLACK = 4;
const MOST_CPU = 0.5;

const configOn = (broker: Record<string, unknown> | undefined) => ({
  tasks: [join(ROOT, 'test/fixtures/compiled/tasks.mjs')],
  ...(broker === undefined ? {} : { broker }),
  defaults: { timeout: '0s', keep: { results: '10m' } },
  pools: {
    cpu: { kind: 'process', workers: 1, queues: ['cpu'], restart: { initial: '2s', max: '2s' } },
    io: { kind: 'async', queues: ['io'] },
  },
});

/** The lowest number that is not taken: with it as the limit nothing can be opened before something is closed. */
function noneLeft({ pid }: Daemon): string {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let lowest = 0;
  while (taken.has(lowest)) lowest++;
  return String(lowest);
}

const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** The soft limit only: whoever may set it may take it back. */
const limit = ({ pid }: Daemon, most: string): void => {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`]);
};

const softLimit = ({ pid }: Daemon): string =>
  execFileSync('prlimit', ['--pid', String(pid), '--nofile', '--noheadings', '--output=SOFT'], {
    encoding: 'utf8',
  }).trim();

async function starve(daemon: Daemon, disconnect: () => Promise<void>): Promise<void> {
  await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
  const echo = async (queue: string, input: string) => {
    const handle = await client.enqueue('echo', input, { queue, result: true });
    return handle.result({ timeout: '30s' });
  };
  for (const queue of ['cpu', 'io']) assert.equal(await echo(queue, 'before'), 'before');
  const [before, allowed] = [descriptors(daemon.pid), softLimit(daemon)];
  const worker = async () => (await daemon.status()).pools[0]?.workers[0];
  const { pid: victim } = (await worker()) ?? {};
  assert.ok(victim != null);
  const forked = await client.enqueue('ignore-abort', { ms: 1_000 }, { queue: 'cpu', result: true });
  await until(async () => (await daemon.status()).pools[0]?.busy === 1);

  // What its pipes took must not be free for the next one.
  process.kill(victim, 'SIGKILL');
  await until(async () => (await worker())?.pid !== victim && descriptors(daemon.pid) < before - 2);
  limit(daemon, noneLeft(daemon));
  try {
    // What needs nothing new goes on.
    assert.equal(await echo('io', 'meanwhile'), 'meanwhile');
    await until(() => /EMFILE/.test(daemon.log()));
    // One connection may find the number that another has just left.
    for (let n = 0; n < 3; n++) await daemon.status().catch(() => {});
    await disconnect();
    const waits = client.enqueue('echo', 'later', { queue: 'io', result: true });
    const [cpu, since] = [cpuMs(daemon.pid), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const share = (cpuMs(daemon.pid) - cpu) / (performance.now() - since);
    assert.ok(share < MOST_CPU, `${share} of a core`);
    limit(daemon, allowed);
    assert.equal(await (await waits).result({ timeout: '30s' }), 'later');
  } finally {
    limit(daemon, allowed);
  }

  assert.equal(await forked.result({ timeout: '30s' }), 'late');
  for (const queue of ['cpu', 'io']) assert.equal(await echo(queue, 'after'), 'after');
  assert.equal((await daemon.status()).state, 'running');
  assert.ok((await worker())?.pid !== victim);
  await until(() => Math.abs(descriptors(daemon.pid) - before) <= DESCRIPTOR_SLACK);
}

describe('a daemon without a file descriptor left', function () {
  this.timeout(120_000);

  it('goes on with what is open, and does all again when it may: on the embedded store', async () => {
    await withSupervisor(configOn(undefined), (daemon) => starve(daemon, async () => {}));
  });

  describeRedis('on Redis', () => {
    it('also makes its connections again', async () => {
      const redis = await startRedis();
      try {
        await withSupervisor(configOn({ type: 'redis', url: redis.url }), (daemon) =>
          starve(daemon, async () => {
            const admin = await plainClient(redis.url);
            await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
            admin.destroy();
          }),
        );
      } finally {
        await redis.stop();
      }
    });
  });
});
