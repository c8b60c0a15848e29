import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '../../src/index.ts';
import {
  hasPython,
  type NotifyReceiver,
  receiveNotices,
  WITH_DESCRIPTOR,
} from '../support/notify-receiver.ts';
import { until } from '../support/until.ts';
import { PROGRAM, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const config = {
  tasks: [join(ROOT, 'test/fixtures/tasks/ignore-abort.ts')],
  pools: { io: { kind: 'async', queues: ['io'] } },
};

const hasProgram = spawnSync('systemd-notify', ['--version'], { stdio: 'ignore' }).status === 0;

describe('the service manager is told', () => {
  let folder = '';
  let path = '';
  let receiver: NotifyReceiver;

  before(function () {
    if (hasPython) return;
    process.stderr.write('skipped: no python3, which the tests of sd_notify receive with\n');
    this.skip();
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    path = join(folder, 'notify');
    receiver = await receiveNotices(path);
  });

  afterEach(async () => {
    await receiver?.stop();
    if (folder !== '') await rm(folder, { recursive: true, force: true });
  });

  const has = (line: string) => until(() => receiver.lines.includes(line));
  const times = (line: string) => receiver.lines.filter((found) => found === line).length;

  it('by systemd-notify: when it is ready, that it lives, that it stops and needs time', async function () {
    if (!hasProgram) {
      process.stderr.write('skipped: no systemd-notify\n');
      this.skip();
    }
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '900000' };
    await withSupervisor(
      config,
      async (daemon) => {
        await has('READY=1');
        await has('STATUS=ready');
        await until(() => times('WATCHDOG=1') >= 2);
        await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
        await client.enqueue('ignore-abort', { ms: 1_500 }, { queue: 'io' });
        await until(async () => (await daemon.status()).pools[0]?.busy === 1);
        daemon.kill('SIGTERM');
        await has('STATUS=draining: 1 job runs');
        assert.deepEqual(await daemon.exited, { code: 0, signal: null });
        assert.deepEqual([times('READY=1'), times('STOPPING=1')], [1, 1]);
        assert.ok(receiver.lines.some((line) => line.startsWith('EXTEND_TIMEOUT_USEC=')));
        assert.ok(receiver.lines.indexOf('READY=1') < receiver.lines.indexOf('STOPPING=1'));
      },
      env,
    );
  });

  it('by the descriptor that was handed over', async () => {
    await writeFile(
      join(folder, 's.yaml'),
      JSON.stringify({
        ...config,
        version: 1,
        broker: { type: 'embedded', path: 'jobs.db' },
        control: { directory: '.' },
      }),
    );
    const words = [process.execPath, PROGRAM, 'start', '-c', join(folder, 's.yaml')];
    const child = spawn('python3', ['-c', WITH_DESCRIPTOR, path, ...words], { stdio: 'ignore' });
    const exited = once(child, 'exit');
    try {
      await has('READY=1');
      child.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
      await has('STOPPING=1');
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('a service manager that is not there', () => {
  it('costs one warning', async () => {
    await withSupervisor(
      config,
      async (daemon) => {
        await until(() => daemon.log().includes('the service manager cannot be told'));
        daemon.kill('SIGTERM');
        assert.deepEqual(await daemon.exited, { code: 0, signal: null });
        assert.equal(daemon.log().split('the service manager cannot be told').length, 2);
      },
      { NOTIFY_SOCKET: '/no/such/socket' },
    );
  });
});
