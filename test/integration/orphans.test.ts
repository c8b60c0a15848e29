import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import { isAlive, processesWithEnvironment } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const config = {
  tasks: ['busy-loop', 'native-wait', 'start-a-child'].map((name) =>
    join(ROOT, `test/fixtures/tasks/${name}.ts`),
  ),
  defaults: { timeout: '0s' },
  pools: {
    cpu: { kind: 'process', workers: 7, queues: ['cpu'] },
    io: { kind: 'async', host: 'process', queues: ['io'], block_timeout: '10m' },
  },
};

/** One for each worker but two: of these one idles, and one is stopped. */
const JOBS: readonly (readonly [string, unknown])[] = [
  ['busy-loop', null],
  ['atomics-wait', null],
  ['native-wait', { seconds: 60 }],
  ['start-a-child', null],
  ['start-a-detached-child', null],
];

async function occupy(daemon: Daemon): Promise<void> {
  await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
  for (const [task, input] of JOBS) await client.enqueue(task, input, { queue: 'cpu' });
  await client.enqueue('busy-loop', null, { queue: 'io' });
  await until(async () => {
    const { pools } = await daemon.status();
    const ready = pools.every(({ state }) => state === 'ok');
    return ready && pools[0]?.busy === JOBS.length && pools[1]?.busy === 1;
  }, 20_000);
  const idle = (await daemon.status()).pools[0]?.workers.find(({ state }) => state === 'ready');
  assert(idle?.pid != null, 'a worker idles');
  process.kill(idle.pid, 'SIGSTOP');
}

/** With what their jobs have started. */
function workersOf({ folder }: Daemon) {
  const { run } = JSON.parse(readFileSync(join(folder, 'daemon.json'), 'utf8')) as { run: string };
  return processesWithEnvironment(`FORKLOOP_RUN=${run}`);
}

describe('the end of a daemon that is killed', () => {
  it('leaves nothing of its run alive a second later, whatever its workers and their children do', async function () {
    this.timeout(60_000);
    await withSupervisor(config, async (daemon) => {
      await occupy(daemon);
      const marked = () => workersOf(daemon);
      // Eight workers, and what three of their jobs have started.
      await until(() => marked().length >= 11);
      const before = marked();
      daemon.kill('SIGKILL');
      await daemon.exited;
      await until(() => !before.some(isAlive) && marked().length === 0, 1_000);
    });
  });

  it('ends a worker whose job has closed the pipe that tells of it', async function () {
    this.timeout(60_000);
    const alone = {
      tasks: [join(ROOT, 'test/fixtures/tasks/close-guard-pipe.ts')],
      defaults: { timeout: '0s' },
      // No other worker whose guard would end this one.
      pools: { cpu: { kind: 'process', workers: 1, queues: ['cpu'] } },
    };
    await withSupervisor(alone, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      await client.enqueue('close-guard-pipe', null, { queue: 'cpu' });
      await until(async () => (await daemon.status()).pools[0]?.busy === 1, 20_000);
      const [worker] = workersOf(daemon);
      assert(worker !== undefined && isAlive(worker), 'the worker is known');
      daemon.kill('SIGKILL');
      await daemon.exited;
      await until(() => !isAlive(worker), 1_000);
    });
  });
});

describe('the end of a worker by its own job', () => {
  it('is the end of what the job has started: it would run on beside the next attempt', async function () {
    this.timeout(60_000);
    const one = { ...config, pools: { cpu: { kind: 'process', workers: 1, queues: ['cpu'] } } };
    await withSupervisor(one, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      await client.enqueue('start-a-child', null, { queue: 'cpu' });
      const [worker] = (await daemon.status()).pools[0]?.workers ?? [];
      assert(worker?.pid != null, 'the worker is known');
      await until(() => workersOf(daemon).length === 2, 20_000);
      const before = workersOf(daemon);
      process.kill(worker.pid, 'SIGSEGV');
      await until(() => !before.some(isAlive), 5_000);
    });
  });
});
