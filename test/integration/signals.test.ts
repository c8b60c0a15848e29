import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import { descendants } from '../support/processes.ts';
import { describeRedis, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { type Daemon, PROGRAM, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const config = {
  tasks: ['ignore-abort', 'echo'].map((name) => join(ROOT, `test/fixtures/tasks/${name}.ts`)),
  pools: {
    cpu: { kind: 'process', workers: 1, queues: ['cpu'] },
    io: { kind: 'async', queues: ['io'] },
  },
  defaults: { timeout: '0s' },
  shutdown: { drain_timeout: '100ms', cold_grace: '100ms' },
};

const stateOf = async (daemon: Daemon) => (await daemon.status()).state;

describe('quiet', () => {
  for (const [how, quiet, resume] of [
    ['by signal', (daemon: Daemon) => daemon.kill('SIGTSTP'), (daemon: Daemon) => daemon.kill('SIGCONT')],
    [
      'by command',
      async (daemon: Daemon) => {
        const { code, stdout } = await daemon.cli('quiet');
        assert.deepEqual([code, stdout], [0, 'quiet: nothing is claimed; jobs that run: 1\n']);
      },
      async (daemon: Daemon) => {
        const { code, stdout } = await daemon.cli('quiet', '--off', '-o', 'json');
        assert.deepEqual([code, JSON.parse(stdout).state], [0, 'running']);
      },
    ],
  ] as const) {
    it(`${how}: claims nothing, lets running jobs end, and claims again`, async () => {
      await withSupervisor(config, async (daemon) => {
        await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
        const running = await client.enqueue('ignore-abort', { ms: 3_000 }, { queue: 'io', result: '1m' });
        await until(async () => (await daemon.status()).pools[1]?.busy === 1);
        await quiet(daemon);
        await until(async () => (await stateOf(daemon)) === 'quiet');
        const waiting = await client.enqueue('ignore-abort', { ms: 1 }, { queue: 'io', result: '1m' });
        assert.equal(await running.result({ timeout: '10s' }), 'late');
        const io = async () => (await daemon.status()).queues.find(({ name }) => name === 'io');
        // Figures in the status may be half a second old.
        await until(async () => (await io())?.in_flight === 0);
        assert.equal((await io())?.ready, 1);
        assert.equal((await daemon.cli('health', 'ready')).code, 0);
        await resume(daemon);
        assert.equal(await waiting.result({ timeout: '10s' }), 'late');
        assert.equal(await stateOf(daemon), 'running');
      });
    });
  }

  it('ends like any daemon when it is stopped', async () => {
    await withSupervisor(config, async (daemon) => {
      await daemon.cli('quiet');
      daemon.kill('SIGTERM');
      assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    });
  });
});

describe('dump', () => {
  it('tells the jobs in flight, by command and by signal, in the log, too', async () => {
    await withSupervisor(config, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const ids: string[] = [];
      for (const queue of ['cpu', 'io'])
        ids.push((await client.enqueue('ignore-abort', { ms: 600_000 }, { queue })).id);
      await until(async () => (await daemon.status()).pools.every(({ busy }) => busy === 1));
      const { code, stdout } = await daemon.cli('dump', '-o', 'json');
      assert.equal(code, 0);
      const dump = JSON.parse(stdout);
      assert.equal(dump.schema, 'forkloop.dump/1');
      assert.deepEqual(
        dump.in_flight
          .map((job: { job_id: string }) => job.job_id)
          .sort((a: string, b: string) => (a < b ? -1 : 1)),
        [...ids].sort((a, b) => (a < b ? -1 : 1)),
      );
      for (const job of dump.in_flight) {
        assert.deepEqual([job.task, job.attempt], ['ignore-abort', 1]);
        assert.ok(job.pid > 0 && job.running_seconds >= 0);
      }
      assert.deepEqual(
        dump.leases.map(({ queue, state, in_flight }: Record<string, unknown>) => [queue, state, in_flight]),
        [
          ['cpu', 'open', 1],
          ['io', 'open', 1],
        ],
      );
      const table = await daemon.cli('dump');
      for (const id of ids) assert.ok(table.stdout.includes(id));
      const logged = () => daemon.log().split('dump: job in flight').length - 1;
      const before = logged();
      assert.equal(before, 4);
      daemon.kill('SIGPWR');
      await until(() => logged() === before + 2);
    });
  });

  it('leaves idle workers as they are: they take the next job, and end when they are told to', async () => {
    await withSupervisor(config, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const workers = async () =>
        (await daemon.status()).pools.flatMap(({ workers }) =>
          workers.map(({ pid, generation }) => [pid, generation]),
        );
      const before = await workers();
      for (let round = 0; round < 3; round++) {
        assert.equal((await daemon.cli('dump')).code, 0);
        for (const queue of ['cpu', 'io']) {
          const handle = await client.enqueue('ignore-abort', { ms: 1 }, { queue, result: '1m' });
          assert.equal(await handle.result({ timeout: '40s' }), 'late');
        }
      }
      assert.deepEqual(await workers(), before);
      assert.doesNotMatch(daemon.log(), /blocked|crashed/);
      daemon.kill('SIGTERM');
      assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    });
  });
});

describe('signals without a meaning', () => {
  for (const signal of ['SIGUSR1', 'SIGWINCH', 'SIGCONT'] as const) {
    it(`${signal} changes nothing`, async () => {
      await withSupervisor(config, async (daemon) => {
        const { pid } = await daemon.status();
        daemon.kill(signal);
        // Handled in order: when the later one has had its effect, so has the first.
        daemon.kill('SIGPWR');
        await until(() => daemon.log().includes('dump: state'));
        const status = await daemon.status();
        assert.deepEqual([status.pid, status.state], [pid, 'running']);
        assert.doesNotMatch(daemon.log(), /Debugger listening/);
      });
    });
  }
});

describe('Ctrl-Z in a terminal', () => {
  it('stops the process, and it goes on later', async function () {
    if (spawnSync('script', ['--version'], { stdio: 'ignore' }).status !== 0) {
      process.stderr.write('skipped: no script(1), which makes a terminal\n');
      this.skip();
    }
    const folder = await mkdtemp(join(tmpdir(), 'fl-'));
    const path = join(folder, 's.yaml');
    const more = { version: 1, broker: { type: 'embedded', path: 'jobs.db' }, control: { directory: '.' } };
    await writeFile(path, JSON.stringify({ ...config, ...more }));
    const line = `exec ${process.execPath} ${PROGRAM} start -c ${path}`;
    const terminal = spawn('script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const pids = () => [terminal.pid ?? -1, ...descendants(terminal.pid ?? -1).map(({ pid }) => pid)];
    try {
      let shown = '';
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
      });
      await until(() => shown.includes('Ctrl-C drains'));
      const pid = JSON.parse(readFileSync(join(folder, 'daemon.json'), 'utf8')).pid as number;
      process.kill(pid, 'SIGTSTP');
      await until(() => stateLetter(pid) === 'T');
      process.kill(pid, 'SIGCONT');
      await until(() => stateLetter(pid) !== 'T');
      process.kill(pid, 'SIGTERM');
      await until(() => {
        // script(1) stops with its child, sooner or later.
        terminal.kill('SIGCONT');
        return terminal.exitCode !== null;
      });
      assert.equal(terminal.exitCode, 0);
    } finally {
      for (const pid of terminal.exitCode === null ? pids() : []) process.kill(pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    }
  });
});

const stateLetter = (pid: number): string => {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text[text.lastIndexOf(')') + 2] ?? '';
};

describe('a daemon that is process 1', () => {
  const words = ['--pid', '--fork', '--mount-proc', '--kill-child'];

  it('warns of the processes that it cannot clean up', async function () {
    if (spawnSync('unshare', [...words, 'true'], { stdio: 'ignore' }).status !== 0) {
      process.stderr.write('skipped: no right to make a process 1\n');
      this.skip();
    }
    const folder = await mkdtemp(join(tmpdir(), 'fl-'));
    const path = join(folder, 's.yaml');
    const more = { version: 1, broker: { type: 'embedded', path: 'jobs.db' }, control: { directory: '.' } };
    await writeFile(path, JSON.stringify({ ...config, ...more }));
    const child = spawn('unshare', [...words, process.execPath, PROGRAM, 'start', '-c', path]);
    try {
      let log = '';
      child.stderr.on('data', (chunk) => {
        log += String(chunk);
      });
      await until(() => log.includes('"msg":"ready"'));
      assert.match(log, /"level":"warn","msg":"running as process 1.*docker run --init/);
    } finally {
      child.kill('SIGKILL');
      await until(() => child.signalCode !== null);
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('health', () => {
  it('is alive and ready while it runs, and neither when it hangs or is gone', async () => {
    await withSupervisor(config, async (daemon) => {
      for (const probe of ['live', 'ready']) {
        const { code, stdout, stderr } = await daemon.cli('health', probe, '-o', 'json');
        assert.deepEqual([code, stderr], [0, '']);
        const report = JSON.parse(stdout);
        assert.deepEqual([report.schema, report.probe, report.ok], ['forkloop.health/1', probe, true]);
      }
      const { stdout } = await daemon.cli('health', 'ready');
      for (const name of ['supervise_loop', 'state', 'broker', 'pool cpu', 'pool io'])
        assert.match(stdout, new RegExp(`^${name} +yes`, 'm'));
      daemon.kill('SIGSTOP');
      const hung = await daemon.cli('health', 'live', '--timeout', '300ms');
      assert.equal(hung.code, 1);
      assert.match(hung.stderr, /^error: .*no answer within 300 ms/);
      daemon.kill('SIGCONT');
      await daemon.stop();
      assert.equal((await daemon.cli('health', 'live')).code, 1);
    });
  });

  it('is not ready while it drains, but alive', async () => {
    const patient = { ...config, shutdown: { drain_timeout: '60s', cold_grace: '100ms' } };
    await withSupervisor(patient, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      await client.enqueue('ignore-abort', { ms: 600_000 }, { queue: 'io' });
      await until(async () => (await daemon.status()).pools[1]?.busy === 1);
      daemon.kill('SIGTERM');
      await until(async () => (await stateOf(daemon)) === 'draining');
      assert.equal((await daemon.cli('health', 'live')).code, 0);
      const { code, stdout } = await daemon.cli('health', 'ready');
      assert.equal(code, 1);
      assert.match(stdout, /^state +no +draining/m);
      assert.equal((await daemon.cli('quiet')).code, 1);
    });
  });
});

describeRedis('health without a broker', () => {
  it('stays alive and stops being ready, until the broker is back', async () => {
    const redis = await startRedis();
    try {
      const lease = { type: 'redis', url: redis.url, lease: '5s', heartbeat: '500ms' };
      await withSupervisor({ ...config, broker: lease }, async (daemon) => {
        assert.equal((await daemon.cli('health', 'ready')).code, 0);
        await redis.kill();
        await until(async () => (await daemon.cli('health', 'ready')).code === 1, 20_000);
        const { code, stdout } = await daemon.cli('health', 'ready');
        assert.equal(code, 1);
        assert.match(stdout, /^broker +no +has not confirmed/m);
        assert.equal((await daemon.cli('health', 'live')).code, 0);
      });
    } finally {
      await redis.stop();
    }
  }).timeout(60_000);
});
