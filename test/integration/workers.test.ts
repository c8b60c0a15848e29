import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { DumpReport } from '../../src/control/messages/daemon.ts';
import type { StacksReport, WorkerRestartReport, WorkersReport } from '../../src/control/messages/workers.ts';
import { createClient } from '../../src/index.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const config = {
  tasks: ['busy-loop', 'wait-for-abort'].map((name) => join(ROOT, `test/fixtures/tasks/${name}.ts`)),
  defaults: { timeout: '0s' },
  shutdown: { drain_timeout: '0s', cold_grace: '100ms' },
  pools: {
    cpu: { kind: 'process', workers: 2, queues: ['cpu'] },
    io: { kind: 'async', concurrency: 10, queues: ['io'] },
  },
};

/** One worker of each pool at work: cpu/0 or cpu/1 spins, io/0 waits for two jobs. */
async function occupy(daemon: Daemon): Promise<string> {
  await until(async () => (await daemon.status()).pools.every(({ state }) => state === 'ok'), 20_000);
  await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
  const { id } = await client.enqueue('busy-loop', null, { queue: 'cpu' });
  await client.enqueueMany('wait-for-abort', [{}, {}], { queue: 'io' });
  await until(async () => (await daemon.status()).pools.map(({ busy }) => busy).join() === '1,2');
  return id;
}

async function json<Report>(daemon: Daemon, ...words: string[]): Promise<Report> {
  const { code, stdout, stderr } = await daemon.cli(...words, '-o', 'json');
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Report;
}

async function lists(daemon: Daemon, spinning: string): Promise<void> {
  const { schema, workers } = await json<WorkersReport>(daemon, 'worker', 'list');
  assert.equal(schema, 'forkloop.workers/1');
  assert.deepEqual(
    workers.map(({ id, kind, host }) => [id, kind, host]),
    [
      ['cpu/0', 'process', 'cluster'],
      ['cpu/1', 'process', 'cluster'],
      ['io/0', 'async', 'thread'],
    ],
  );
  const busy = workers.find(({ longest }) => longest?.job_id === spinning);
  assert.deepEqual([busy?.pool, busy?.state, busy?.longest?.task], ['cpu', 'busy', 'busy-loop']);
  assert((busy?.longest?.running_seconds ?? 0) > 0 && (busy?.rss_bytes ?? 0) > 1e7);
  assert.equal(workers[2]?.jobs_running, 2);

  const one = await daemon.cli('worker', 'list', 'io', '-o', 'ndjson');
  assert.deepEqual(
    one.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id),
    ['io/0'],
  );
  assert.equal(parse((await daemon.cli('worker', 'list', '-o', 'yaml')).stdout).workers.length, 3);
  assert.match((await daemon.cli('worker', 'list')).stdout, /^WORKER +PID +STATE +TASK +FOR +MEMORY +CPU/);
  assert.match((await daemon.cli('worker', 'list', '-o', 'wide')).stdout, new RegExp(`${spinning}.*\\n`));
}

async function tellsStacks(daemon: Daemon, spinning: string): Promise<void> {
  const told = async () => {
    const { stacks } = await json<StacksReport>(daemon, 'worker', 'stacks');
    return stacks.find(({ job_id }) => job_id === spinning)?.stack ?? '';
  };
  // A machine that is short of time may not answer within the second that stacks may take.
  await until(async () => /at run \(.*busy-loop\.ts:\d+:\d+\)/.test(await told()), 20_000);
  const { stacks } = await json<StacksReport>(daemon, 'worker', 'stacks', 'io/0');
  assert.deepEqual(
    stacks.map(({ id, jobs_running, stack }) => [id, jobs_running, stack]),
    [['io/0', 2, null]],
  );
}

async function dumps(daemon: Daemon, spinning: string): Promise<void> {
  let found: string | null | undefined;
  // As above.
  await until(async () => {
    const { stacks } = await json<DumpReport>(daemon, 'dump');
    assert.deepEqual(
      stacks.map(({ jobs_running }) => jobs_running),
      [1, 2],
    );
    found = stacks.find(({ job_id }) => job_id === spinning)?.stack;
    return typeof found === 'string';
  }, 20_000);
  assert.match(found ?? '', /busy-loop\.ts/);
  await until(() => /dump: stack.*busy-loop\.ts/.test(daemon.log()));
}

async function restarts(daemon: Daemon, spinning: string): Promise<void> {
  const before = await json<WorkersReport>(daemon, 'worker', 'list', 'cpu');
  const idle = before.workers.find(({ longest }) => longest?.job_id !== spinning);
  assert(idle !== undefined);
  const { schema, workers } = await json<WorkerRestartReport>(daemon, 'worker', 'restart', idle.id);
  const [done] = workers;
  assert.deepEqual([schema, workers.length, done?.restarted], ['forkloop.worker-restart/1', 1, true]);
  assert.equal(done?.pid_before, idle.pid);
  assert.notEqual(done?.pid, idle.pid);
  const after = await json<WorkersReport>(daemon, 'worker', 'list', 'cpu');
  assert.equal(after.workers.find(({ id }) => id === idle.id)?.pid, done?.pid);
  assert.equal(after.workers.find(({ longest }) => longest?.job_id === spinning)?.state, 'busy');
}

async function refuses(daemon: Daemon): Promise<void> {
  for (const [words, why] of [
    [['list', 'gpu'], /there is no worker "gpu": write a pool \(cpu, io\)/],
    [['stacks', 'cpu/7'], /there is no worker "cpu\/7"/],
    [['restart'], /which workers\? name a pool, or one as in cpu\/0, or write --all/],
    [['restart', 'cpu', '--all'], /not both/],
  ] as const) {
    const { code, stderr } = await daemon.cli('worker', ...words);
    assert.equal(code, 64, words.join(' '));
    assert.match(stderr, why);
  }
}

describe('worker commands', () => {
  it('list workers, tell where they are, replace them, and refuse what is not there', async function () {
    this.timeout(120_000);
    await withSupervisor(config, async (daemon) => {
      const spinning = await occupy(daemon);
      await lists(daemon, spinning);
      await tellsStacks(daemon, spinning);
      await dumps(daemon, spinning);
      await restarts(daemon, spinning);
      await refuses(daemon);
    });
  });

  it('lose no job and run none twice when all workers are replaced under load', async function () {
    this.timeout(120_000);
    const tasks = [join(ROOT, 'test/fixtures/tasks/busy-loop.ts')];
    const pools = { cpu: { kind: 'process', workers: 2, queues: ['cpu'] } };
    await withSupervisor({ tasks, pools }, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const inputs = Array.from({ length: 200 }, () => ({ ms: 5 }));
      const handles = await client.enqueueMany('spin', inputs, { queue: 'cpu', result: true });
      const results = Promise.all(handles.map((handle) => handle.result({ timeout: '60s' })));
      const { code, stdout, stderr } = await daemon.cli('worker', 'restart', '--all');
      assert.equal(code, 0, stderr);
      assert.equal(stdout.match(/replaced/g)?.length, 2);
      assert.deepEqual(new Set(await results), new Set(['spun']));
      const { workers } = await json<WorkersReport>(daemon, 'worker', 'list');
      assert.deepEqual(
        workers.map(({ restarts }) => restarts),
        [1, 1],
      );
    });
  });
});
