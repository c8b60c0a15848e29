import assert from 'node:assert/strict';
import { join } from 'node:path';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const tasks = [join(ROOT, 'test/fixtures/tasks/noop.mjs')];
const process1 = (queue: string) => ({ kind: 'process', workers: 1, queues: [queue] });
const oneProcessPool = {
  tasks,
  pools: { cpu: process1('a'), io: { kind: 'async', concurrency: 2, queues: ['b'] } },
};

const ready = async (daemon: Daemon, count: number, slot = 0) =>
  until(async () => {
    const { workers = [], concurrency } = (await daemon.status()).pools[slot] ?? {};
    return (
      concurrency === count && workers.length === count && workers.every(({ state }) => state === 'ready')
    );
  }, 20_000);

describe('scaling', () => {
  it('changes the number of workers by command, and says what it was', async () => {
    await withSupervisor(oneProcessPool, async (daemon) => {
      const more = await daemon.cli('scale', 'cpu=3', '-o', 'json');
      assert.deepEqual(
        [more.code, JSON.parse(more.stdout)],
        [0, { schema: 'forkloop.scale/1', pool: 'cpu', before: 1, workers: 3 }],
      );
      await ready(daemon, 3);
      const less = await daemon.cli('scale', 'cpu=1');
      assert.deepEqual([less.code, less.stdout], [0, 'pool cpu: 1 worker (before: 3)\n']);
      await ready(daemon, 1);
    });
  });

  it('refuses what cannot be, and says what can', async () => {
    await withSupervisor(oneProcessPool, async (daemon) => {
      for (const [words, code, why] of [
        ['cpu', 64, /"cpu" is no pool and number of workers: write it as in cpu=4/],
        [
          'cpu=0',
          64,
          /pool cpu cannot have 0 workers: give it 1 to 1024; to start nothing in it, pause its queues/,
        ],
        ['io=2', 64, /pool io is async.*change its concurrency/],
        ['gpu=2', 64, /there is no pool "gpu", only cpu, io/],
      ] as const) {
        const ran = await daemon.cli('scale', words);
        assert.equal(ran.code, code, words);
        assert.match(ran.stderr, why);
      }
    });
  });

  it('adds and takes a worker of the only process pool by signal, one at least', async () => {
    await withSupervisor(oneProcessPool, async (daemon) => {
      daemon.kill('SIGTTIN');
      await ready(daemon, 2);
      daemon.kill('SIGTTOU');
      await ready(daemon, 1);
      daemon.kill('SIGTTOU');
      await until(() => /not scaled.*cannot have 0 workers/.test(daemon.log()));
      await ready(daemon, 1);
    });
  });

  it('says that a signal is ambiguous where there are several process pools', async () => {
    const pools = { one: process1('a'), other: process1('b') };
    await withSupervisor({ tasks, pools }, async (daemon) => {
      daemon.kill('SIGTTIN');
      await until(() => /not scaled, ambiguous/.test(daemon.log()));
      await ready(daemon, 1);
      await ready(daemon, 1, 1);
    });
  });
});
