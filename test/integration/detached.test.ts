import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callDaemon } from '../../src/control/client.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { processesWithEnvironment } from '../support/processes.ts';
import { freePort } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import {
  cleanEnvironment,
  PROGRAM,
  type Ran,
  ROOT,
  runSupervisor,
  withSupervisor,
} from '../support/with-supervisor.ts';

const config = (task = 'echo') => ({
  version: 1,
  tasks: [join(ROOT, `test/fixtures/tasks/${task}.ts`)],
  broker: { type: 'embedded', path: 'jobs.db' },
  control: { directory: '.' },
  pools: { cpu: { kind: 'process', workers: 1, queues: ['cpu'], restart: { initial: '10ms' } } },
  shutdown: { drain_timeout: '1s', cold_grace: '100ms' },
});

describe('a detached daemon', function () {
  this.timeout(90_000);
  let folder = '';
  let path = '';
  const marker = `FORKLOOP_TEST_RUN=${randomUUID()}`;
  const env = { FORKLOOP_TEST_RUN: marker.slice(marker.indexOf('=') + 1) };
  const run = (...words: string[]): Promise<Ran> =>
    runSupervisor([...words, '-c', path], { env, cwd: folder });
  const write = (content: object) => writeFile(path, JSON.stringify(content));
  const status = () =>
    callDaemon(join(folder, 'control.sock'), 'status', {}, { timeoutMs: 5_000, clock: systemClock });
  /** Daemons alone: their workers do not have it. */
  const left = () => processesWithEnvironment(marker);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    path = join(folder, 'supervisor.yaml');
    await write(config());
  });

  afterEach(async () => {
    for (const { pid } of left()) process.kill(pid, 'SIGTERM');
    await until(() => left().length === 0);
    await rm(folder, { recursive: true, force: true });
  });

  it('says that it waits for a broker which does not answer', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    await write({ ...config(), broker: { type: 'redis', url } });
    const { code, stderr } = await run('start', '--detach');
    assert.deepEqual(
      [code, stderr],
      [0, `warning: the broker at ${url} does not answer: the daemon waits for it\n`],
    );
    assert.equal((await run('stop')).code, 0);
  });

  it('is ready when the command returns, in a session of its own, and restarts itself', async () => {
    const { code, stdout } = await run('start', '--detach');
    assert.equal(code, 0);
    const pid = Number(/^started process (\d+), log forkloop\.log\n$/.exec(stdout)?.[1]);
    const first = await status();
    assert.deepEqual(
      [first.pid, first.state, first.log.file],
      [pid, 'running', join(folder, 'forkloop.log')],
    );
    assert.equal(sessionOf(pid), pid);
    assert.deepEqual(
      [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)),
      ['/dev/null', first.log.file, first.log.file],
    );
    assert.equal(readlinkSync(`/proc/${pid}/cwd`), folder);

    await write({ ...config(), nonsense: 1 });
    const refused = await run('restart');
    assert.equal(refused.code, 78);
    assert.match(refused.stderr, /nonsense: unknown key/);
    assert.equal((await status()).pid, pid);

    await write({ ...config(), name: 'renewed' });
    const restarted = await run('restart', '-o', 'json');
    assert.equal(restarted.code, 0, restarted.stderr);
    assert.match(restarted.stderr, new RegExp(`^stopped process ${pid} in `));
    const second = await status();
    assert.deepEqual(JSON.parse(restarted.stdout), {
      schema: 'forkloop.started/1',
      pid: second.pid,
      log_file: first.log.file,
    });
    assert.notEqual(second.pid, pid);
    assert.deepEqual([second.name, second.launch], ['renewed', first.launch]);

    const twice = await run('start', '--detach');
    assert.equal(twice.code, 75);
    assert.match(twice.stderr, /^error: another daemon holds .*\n$/);
    assert.doesNotMatch(readFileSync(join(folder, 'forkloop.log'), 'utf8'), /the daemon has failed/);
    assert.equal((await run('stop')).code, 0);
    assert.equal((await run('restart')).code, 3);
    assert.match((await run('logs', '-n', '1')).stdout, /"msg":"stopped"/);
  });

  it('that does not get ready is not left, and the command tells its error and exit code', async () => {
    await write(config('crash-on-start'));
    const { code, stdout, stderr } = await run('start', '--detach', '--log-file', 'own.log');
    assert.deepEqual([code, stdout], [70, '']);
    assert.match(stderr, /^error: .*pool cpu[\s\S]*\nits log is own\.log$/m);
    assert.match(readFileSync(join(folder, 'own.log'), 'utf8'), /"msg":"the daemon has failed"/);
    assert.deepEqual(left(), []);
  });

  for (const [how, signal, expected] of [
    ['by Ctrl-C', 'SIGINT', [130, null]],
    ['by force', 'SIGKILL', [null, 'SIGKILL']],
  ] as const)
    it(`is not left when the command is ended ${how} before it is ready`, async () => {
      await write(config('never-ready'));
      const command = spawn(process.execPath, [PROGRAM, 'start', '--detach', '-c', path], {
        cwd: folder,
        env: cleanEnvironment(env),
        stdio: 'ignore',
      });
      const ended = once(command, 'exit');
      const log = join(folder, 'forkloop.log');
      await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('waiting for a friend'));
      command.kill(signal);
      assert.deepEqual(await ended, expected);
      await until(() => left().length === 0);
    });

  it('is not left when it is not ready within --timeout', async () => {
    await write(config('never-ready'));
    const { code, stderr } = await run('start', '--detach', '--timeout', '500ms');
    assert.equal(code, 6);
    assert.match(stderr, /^error: the daemon was not ready within 500ms and was stopped again$/m);
    assert.deepEqual(left(), []);
  });

  it('is not made where a service manager wants to watch it', async () => {
    const { code, stderr } = await runSupervisor(['start', '--detach', '-c', path], {
      env: { ...env, NOTIFY_SOCKET: '/nowhere' },
    });
    assert.equal(code, 64);
    assert.match(stderr, /^error: --detach: a service manager /);
  });
});

describe('restart of a daemon that somebody else owns', () => {
  it('is refused, and says what to do', async () => {
    await withSupervisor(config(), async (daemon) => {
      const { pid } = await daemon.status();
      const { code, stderr } = await daemon.cli('restart');
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^error: the daemon \(pid \d+\) was started by another program: let that restart it/,
      );
      assert.equal((await daemon.status()).pid, pid);
    });
  });
});

/** The session is the sixth field; the second may hold blanks. */
function sessionOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[3]);
}
