import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, renameSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { createClient } from '../../src/index.ts';
import { until } from '../support/until.ts';
import {
  cleanEnvironment,
  type Daemon,
  PROGRAM,
  type Ran,
  ROOT,
  withSupervisor,
} from '../support/with-supervisor.ts';

const config = {
  tasks: ['talk', 'echo'].map((name) => join(ROOT, `test/fixtures/tasks/${name}.ts`)),
  pools: {
    cpu: { kind: 'process', workers: 1, queues: ['cpu'] },
    io: { kind: 'async', queues: ['io'] },
    apart: { kind: 'async', host: 'process', queues: ['apart'] },
  },
  shutdown: { drain_timeout: '1s', cold_grace: '100ms' },
  log: { file: 'f.log' },
};

interface LogRecord {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const textOf = (daemon: Daemon, name = 'f.log') => readFileSync(join(daemon.folder, name), 'utf8');
const recordsOf = (text: string): LogRecord[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogRecord);

const byText = (one: string, other: string) => (one < other ? -1 : 1);

async function edit(daemon: Daemon, log: Record<string, unknown>): Promise<void> {
  const current = parse(await readFile(daemon.configPath, 'utf8'));
  await writeFile(daemon.configPath, stringify({ ...current, log: { ...current.log, ...log } }));
}

/** A busy machine may need more than the two seconds that a file is given. */
async function reload(daemon: Daemon, ...words: string[]): Promise<Ran> {
  for (;;) {
    const ran = await daemon.cli('reload', ...words);
    if (!ran.stdout.includes('could not be read within')) return ran;
  }
}

describe('a daemon with a log file', function () {
  this.timeout(60_000);

  it('writes to it, not to stderr, and opens it anew by signal and by command', async () => {
    await withSupervisor(config, async (daemon) => {
      assert.equal(statSync(join(daemon.folder, 'f.log')).mode & 0o777 & ~0o640, 0);
      assert.equal(daemon.log(), '');
      for (const [n, reopen] of [
        () => daemon.kill('SIGUSR1'),
        async () => {
          const { code, stdout, stderr } = await daemon.cli('logs', 'reopen');
          assert.deepEqual([code, stdout, stderr], [0, 'the log goes on in f.log\n', '']);
        },
      ].entries()) {
        renameSync(join(daemon.folder, 'f.log'), join(daemon.folder, `f.log.${n}`));
        await reopen();
        await until(
          () => readdirSync(daemon.folder).includes('f.log') && textOf(daemon).includes('opened anew'),
        );
      }
      daemon.kill('SIGPWR');
      await until(() => textOf(daemon).includes('dump: state'));
      const [before, between, after] = ['f.log.0', 'f.log.1', 'f.log'].map((name) =>
        recordsOf(textOf(daemon, name)),
      );
      assert.ok(before?.some(({ msg }) => msg === 'ready'));
      assert.deepEqual(
        between?.map(({ msg }) => msg),
        ['the log file was opened anew'],
      );
      assert.ok(after?.some(({ msg }) => msg === 'dump: state'));
      const { log } = await daemon.status();
      assert.deepEqual(log, { file: join(daemon.folder, 'f.log'), dropped: 0 });
    });
  });

  it('takes level and format from a reload at once, and no other file', async () => {
    await withSupervisor(config, async (daemon) => {
      await edit(daemon, { level: 'debug', format: 'text' });
      const { stdout } = await reload(daemon);
      assert.match(stdout, /^log\.level +info +debug +at once$/m);
      assert.match(stdout, /^log\.format +auto +text +at once$/m);
      assert.equal((await daemon.cli('enqueue', 'echo', '1', '--queue', 'io', '--wait')).code, 0);
      await until(() => /^\d\d:\d\d:\d\d\.\d{3} DEBUG job completed .*job_id=/m.test(textOf(daemon)));
      await edit(daemon, { file: 'other.log' });
      const refused = await reload(daemon);
      assert.equal(refused.code, 2);
      assert.match(refused.stdout, /log\.file/);
    });
  });

  it('tells the job and the worker of every line that user code prints, in every kind of pool', async () => {
    await withSupervisor(config, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      for (const [queue, pool] of [
        ['cpu', 'cpu'],
        ['io', 'io'],
        ['apart', 'apart'],
      ] as const) {
        const { id } = await client.enqueue('talk', queue, { queue });
        const said = () => recordsOf(textOf(daemon)).filter(({ job_id }) => job_id === id);
        await until(() => said().length >= 4);
        assert.deepEqual(
          said()
            .map(({ msg, stream, level }) => [msg, stream ?? 'log', level].join(' '))
            .toSorted(byText),
          [
            `complained ${queue} stderr warn`,
            `logged ${queue} log warn`,
            `printed ${queue} stdout info`,
            `wrote ${queue} stdout info`,
          ],
        );
        for (const record of said())
          assert.deepEqual(
            [record['pool'], record['worker'], record['task'], record['attempt']],
            [pool, 0, 'talk', 1],
          );
      }
    });
  });
});

describe('the options of start', () => {
  it('win over the file, also when it is read anew; the environment stands between them', async () => {
    const log = { level: 'info', file: 'unused.log' };
    await withSupervisor(
      { ...config, log },
      async (daemon) => {
        await edit(daemon, { level: 'error', format: 'json' });
        const { stdout } = await reload(daemon, '-o', 'json');
        assert.deepEqual(
          JSON.parse(stdout).changes.map(({ path }: { path: string }) => path),
          ['log.format'],
        );
        assert.equal((await daemon.cli('enqueue', 'echo', '1', '--queue', 'io', '--wait')).code, 0);
        await until(() => textOf(daemon, 'env.log').includes('"msg":"job completed"'));
        assert.deepEqual(
          readdirSync(daemon.folder).filter((name) => name.endsWith('.log')),
          ['env.log'],
        );
      },
      { FORKLOOP_LOG_FILE: 'env.log', FORKLOOP_LOG_LEVEL: 'debug' },
    );
  });

  it('are refused with the reason', async () => {
    await withSupervisor(config, async (daemon) => {
      for (const [words, reason] of [
        [
          ['--log-file', 'no/f.log'],
          /^error: --log-file .*: there is no folder .*: make it, or name another$/m,
        ],
        [['--log-level', 'loud'], /--log-level: "loud" is none of debug, info, warn, error/],
      ] as const) {
        const { code, stderr } = await daemon.cli('start', ...words);
        assert.equal(code, 64);
        assert.match(stderr, reason);
      }
    });
  });
});

describe('logs', () => {
  it('prints the last lines, chosen or all, for programs and for people', async () => {
    await withSupervisor(config, async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const { id } = await client.enqueue('talk', 'x', { queue: 'io', result: '1m' });
      await until(() => recordsOf(textOf(daemon)).filter(({ job_id }) => job_id === id).length >= 4);
      const all = await daemon.cli('logs');
      assert.deepEqual([all.code, all.stdout, all.stderr], [0, textOf(daemon), '']);
      assert.deepEqual(
        (await daemon.cli('logs', '-n', '1')).stdout,
        `${textOf(daemon).split('\n').at(-2)}\n`,
      );
      const chosen = await daemon.cli('logs', '--job', id, '--level', 'warn', '--pool', 'io', '-o', 'ndjson');
      assert.deepEqual(
        recordsOf(chosen.stdout)
          .map(({ msg }) => msg)
          .toSorted(byText),
        ['complained x', 'logged x'],
      );
      const wide = await daemon.cli('logs', '--task', 'talk', '-o', 'wide');
      assert.match(
        wide.stdout,
        new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d\\.\\d{3} INFO  printed x .*job_id=${id}`, 'm'),
      );
      assert.equal((await daemon.cli('logs', '--pool', 'cpu', '--task', 'talk')).stdout, '');
      await daemon.stop();
      assert.match((await daemon.cli('logs')).stdout, /"msg":"stopped"/);
    });
  });

  it('-f goes on over a rotation', async () => {
    await withSupervisor(config, async (daemon) => {
      const follower = spawn(process.execPath, [PROGRAM, 'logs', '-f', '-n', '0', '-c', daemon.configPath], {
        env: cleanEnvironment({}),
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let shown = '';
      follower.stdout.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
      });
      try {
        await until(() => {
          daemon.kill('SIGPWR');
          return shown.includes('dump: state');
        });
        renameSync(join(daemon.folder, 'f.log'), join(daemon.folder, 'f.log.1'));
        daemon.kill('SIGUSR1');
        await until(() => shown.includes('opened anew'));
        await daemon.stop();
        await until(() => shown.includes('"msg":"stopped"'));
        const written = textOf(daemon, 'f.log.1') + textOf(daemon);
        assert.ok(written.endsWith(shown), 'a line is missing or stands there twice');
      } finally {
        follower.kill('SIGTERM');
        await until(() => follower.signalCode !== null || follower.exitCode !== null);
      }
    });
  });

  it('says where the log is when it is in no file', async () => {
    await withSupervisor({ ...config, log: {} }, async (daemon) => {
      for (const words of [['logs'], ['logs', '-f'], ['logs', 'reopen']]) {
        const { code, stdout, stderr } = await daemon.cli(...words);
        assert.deepEqual([code, stdout], [1, '']);
        assert.match(stderr, /^error: the daemon .*stderr.*log\.file.*--log-file/);
      }
      assert.match((await daemon.cli('logs')).stderr, /journalctl -u forkloop/);
      await daemon.stop();
      const { code, stderr } = await daemon.cli('logs');
      assert.equal(code, 1);
      assert.match(stderr, /^error: there is no .*forkloop\.log yet/);
    });
  });
});

describe('SIGUSR1', () => {
  it('opens no debugger in the daemon or in any of its workers', async () => {
    await withSupervisor(config, async (daemon) => {
      const workers = (await daemon.status()).pools.flatMap((pool) =>
        pool.workers.map(({ pid }) => pid ?? 0),
      );
      const pids = [...new Set([daemon.pid, ...workers])];
      assert.equal(pids.length, 3);
      for (const pid of pids) process.kill(pid, 'SIGUSR1');
      await until(() => textOf(daemon).includes('opened anew'));
      // They have handled the signal when they have run a job.
      for (const queue of ['cpu', 'io', 'apart'])
        assert.equal((await daemon.cli('enqueue', 'echo', '1', '--queue', queue, '--wait')).code, 0);
      assert.deepEqual(pids.filter(listensOnTcp), []);
      assert.doesNotMatch(daemon.log() + textOf(daemon), /Debugger listening/);
      assert.deepEqual(
        (await daemon.status()).pools.flatMap((pool) => pool.workers.map(({ pid }) => pid ?? 0)),
        workers,
      );
    });
  });
});

describe('SIGUSR1 to a worker that only starts', () => {
  it('leaves no debugger open', async function () {
    this.timeout(120_000);
    // Each that is ended by the signal is a crash: however many, the next one comes at once.
    const restart = { initial: '10ms', factor: 1, intensity: 1_000 };
    const pools = { cpu: { ...config.pools.cpu, restart } };
    await withSupervisor({ ...config, pools }, async (daemon) => {
      const worker = async () => (await daemon.status()).pools[0]?.workers[0];
      const first = (await worker())?.pid ?? 0;
      process.kill(first, 'SIGKILL');
      let sent = 0;
      await until(async () => {
        const { pid, state } = (await worker()) ?? { pid: null, state: 'exited' };
        if (pid === null || pid === first) return false;
        // Before Node.js is there the signal ends the process: another one is started then.
        if (sent < 50 && signalled(pid)) sent++;
        return state === 'ready' && sent > 0;
      }, 90_000);
      assert.equal((await daemon.cli('enqueue', 'echo', '1', '--queue', 'cpu', '--wait')).code, 0);
      const { pid } = (await worker()) ?? { pid: null };
      assert.equal(listensOnTcp(pid ?? 0), false);
    });
  });
});

function signalled(pid: number): boolean {
  try {
    process.kill(pid, 'SIGUSR1');
    return true;
  } catch {
    return false;
  }
}

/** Whether the process has a TCP socket that waits for connections. */
function listensOnTcp(pid: number): boolean {
  const listening = ['tcp', 'tcp6'].flatMap((name) =>
    readFileSync(`/proc/${pid}/net/${name}`, 'utf8')
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A')
      .map((fields) => `socket:[${fields[9]}]`),
  );
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return listening.includes(readlinkSync(`/proc/${pid}/fd/${fd}`));
    } catch {
      return false;
    }
  });
}
