import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestedSystemd, startSystemd } from '../support/nested-systemd.ts';
import { until } from '../support/until.ts';
import { ROOT } from '../support/with-supervisor.ts';

const UNIT = join(ROOT, 'systemd/supervisor.service');

describe('the systemd unit', () => {
  let folder = '';
  let unit = '';

  before(async function () {
    if (spawnSync('systemd-analyze', ['--version'], { stdio: 'ignore' }).status !== 0) {
      process.stderr.write('skipped: no systemd-analyze, which checks the unit\n');
      this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    unit = join(folder, 'forkloop.service');
    // The tool looks whether the program is there.
    await writeFile(unit, (await readFile(UNIT, 'utf8')).replaceAll('/usr/bin/node', process.execPath));
  });

  after(() => rm(folder, { recursive: true, force: true }));

  it('has no fault that systemd-analyze finds', () => {
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('exposes little: 1.5 or better', () => {
    const words = ['security', '--offline=true', '--threshold=15', '--no-pager', unit];
    const { status, stdout, stderr } = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
    assert.equal(status, 0, stdout.slice(-200) + stderr);
  });
});

/** Short times instead of the unit's own, so that the tests see their end. */
const DROP_IN = `[Service]
ExecStart=
ExecStart=${process.execPath} /opt/forkloop/bin/supervisor start --config /etc/forkloop/supervisor.yaml
WatchdogSec=3
TimeoutAbortSec=1
RestartSec=100ms
StandardError=append:/run/service.log
`;

const config = {
  version: 1,
  tasks: ['/opt/forkloop/test/fixtures/tasks/ignore-abort.ts'],
  broker: { type: 'embedded', path: '/var/lib/forkloop/forkloop.db' },
  control: { directory: '/run/forkloop' },
  pools: {
    cpu: { kind: 'process', workers: 1, queues: ['cpu'] },
    io: { kind: 'async', queues: ['io'] },
  },
  defaults: { timeout: '0s' },
  shutdown: { drain_timeout: '500ms', cold_grace: '500ms' },
};

/** A real systemd, nested: FORKLOOP_SYSTEMD_TEST=1, as root. */
(process.env['FORKLOOP_SYSTEMD_TEST'] === '1' ? describe : describe.skip)('under systemd, the daemon', () => {
  let folder = '';
  let systemd: NestedSystemd;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    await chmod(folder, 0o755);
    const units = join(folder, 'units');
    mkdirSync(join(units, 'forkloop.service.d'), { recursive: true });
    copyFileSync(UNIT, join(units, 'forkloop.service'));
    await writeFile(join(units, 'forkloop.service.d/test.conf'), DROP_IN);
    for (const name of ['test', 'sysinit', 'basic', 'shutdown', 'network-online'])
      await writeFile(join(units, `${name}.target`), '[Unit]\nDescription=nothing\n');
    await writeFile(join(folder, 'supervisor.yaml'), JSON.stringify(config), { mode: 0o644 });
    systemd = await startSystemd({ root: ROOT, configPath: join(folder, 'supervisor.yaml'), units });
  }).timeout(120_000);

  after(async () => {
    await systemd?.stop();
    await rm(folder, { recursive: true, force: true });
  }).timeout(120_000);

  afterEach(async () => {
    await systemd.exec('systemctl', 'stop', 'forkloop');
    await systemd.exec('systemctl', 'reset-failed', 'forkloop');
  }).timeout(120_000);

  const property = (name: string) => systemd.property('forkloop', name);
  const supervisor = (...words: string[]) =>
    systemd.exec(
      ...['runuser', '-u', 'forkloop', '--', process.execPath, '/opt/forkloop/bin/supervisor'],
      ...words,
      ...['-c', '/etc/forkloop/supervisor.yaml'],
    );
  const start = async () => {
    const { code, stderr } = await systemd.exec('systemctl', 'start', 'forkloop');
    assert.equal(code, 0, stderr + (await systemd.exec('cat', '/run/service.log')).stdout);
  };

  it('is started when it is ready, and says how it is', async () => {
    await start();
    assert.deepEqual([await property('ActiveState'), await property('StatusText')], ['active', 'ready']);
    const { code, stdout } = await supervisor('status', '-o', 'json');
    assert.equal(code, 0);
    assert.deepEqual(
      [String(JSON.parse(stdout).pid), JSON.parse(stdout).state],
      [await property('MainPID'), 'running'],
    );
  }).timeout(120_000);

  it('runs jobs in both kinds of pool', async () => {
    await start();
    for (const queue of ['cpu', 'io']) {
      const words = ['enqueue', 'ignore-abort', '{"ms":1}', '--queue', queue, '--wait'];
      const { code, stdout, stderr } = await supervisor(...words);
      assert.deepEqual([code, stdout.includes('late')], [0, true], stderr);
    }
  }).timeout(120_000);

  it('is killed by the watchdog when it hangs, and comes back', async () => {
    await start();
    const before = await property('MainPID');
    await systemd.exec('kill', '-STOP', before);
    await until(async () => !['0', before].includes(await property('MainPID')), 20_000);
    await until(async () => (await property('StatusText')) === 'ready', 20_000);
    assert.deepEqual([await property('NRestarts'), await property('ActiveState')], ['1', 'active']);
  }).timeout(60_000);

  it('is left alone by the watchdog while it is well', async () => {
    await start();
    const before = await property('MainPID');
    const begun = performance.now();
    // Three times the watchdog's patience.
    await until(() => performance.now() - begun > 9_000);
    assert.deepEqual([await property('MainPID'), await property('NRestarts')], [before, '0']);
  }).timeout(60_000);

  it('reloads a good file, and fails the reload of a bad one without harm', async () => {
    await start();
    const before = await property('MainPID');
    const reload = () => systemd.exec('systemctl', 'reload', 'forkloop');
    assert.equal((await reload()).code, 0);
    await systemd.exec('sed', '-i', '$a nonsense: 1', '/etc/forkloop/supervisor.yaml');
    try {
      assert.notEqual((await reload()).code, 0);
    } finally {
      await systemd.exec('sed', '-i', '/^nonsense/d', '/etc/forkloop/supervisor.yaml');
    }
    assert.deepEqual([await property('MainPID'), await property('ActiveState')], [before, 'active']);
    assert.equal((await reload()).code, 0);
  }).timeout(60_000);

  it('stops within its own deadline although a job does not end, and leaves no process', async () => {
    await start();
    for (const queue of ['cpu', 'io'])
      await supervisor('enqueue', 'ignore-abort', '{"ms":600000}', '--queue', queue);
    await until(async () =>
      JSON.parse((await supervisor('status', '-o', 'json')).stdout).pools.every(
        ({ busy }: { busy: number }) => busy === 1,
      ),
    );
    const begun = performance.now();
    const { code } = await systemd.exec('systemctl', 'stop', 'forkloop');
    const took = performance.now() - begun;
    assert.deepEqual(
      [code, await property('Result'), await property('ActiveState')],
      [0, 'success', 'inactive'],
    );
    assert.ok(took < 10_000, `took ${Math.round(took)} ms`);
    assert.notEqual((await systemd.exec('pgrep', '-u', 'forkloop')).code, 0);
  }).timeout(60_000);

  for (const [code, why, words] of [
    [64, 'wrong usage', ['start', '--no-such-option']],
    [78, 'a bad configuration', ['start', '--config', '/etc/passwd']],
    [75, 'another daemon in its place', ['start', '--config', '/etc/forkloop/supervisor.yaml']],
  ] as const) {
    it(`is not restarted after exit code ${code}: ${why}`, async () => {
      const other = code === 75 ? await holdLock(systemd) : async () => {};
      await changeStart(words);
      try {
        await systemd.exec('systemctl', 'start', 'forkloop');
        await until(async () => (await property('ActiveState')) === 'failed', 20_000);
        assert.deepEqual(
          [await property('ExecMainStatus'), await property('NRestarts')],
          [String(code), '0'],
        );
      } finally {
        await changeStart(null);
        await other();
      }
    }).timeout(60_000);
  }

  it('is restarted after exit code 70: a pool that did not start', async () => {
    await systemd.exec('sed', '-i', 's/ignore-abort/throw-on-start/', '/etc/forkloop/supervisor.yaml');
    try {
      await systemd.exec('systemctl', 'start', 'forkloop');
      await until(async () => Number(await property('NRestarts')) >= 2, 30_000);
    } finally {
      await systemd.exec('sed', '-i', 's/throw-on-start/ignore-abort/', '/etc/forkloop/supervisor.yaml');
    }
  }).timeout(60_000);

  /** Another command line for the unit; null: its own again. */
  async function changeStart(words: readonly string[] | null): Promise<void> {
    const line = `ExecStart=${process.execPath} /opt/forkloop/bin/supervisor ${words?.join(' ')}`;
    const path = join(folder, 'units/forkloop.service.d/words.conf');
    if (words === null) await rm(path);
    else await writeFile(path, `[Service]\nExecStart=\n${line}\n`);
    await systemd.exec('systemctl', 'daemon-reload');
  }

  /** Somebody else has the lock of the control directory. */
  async function holdLock({ exec }: NestedSystemd): Promise<() => Promise<void>> {
    await exec('systemctl', 'start', 'forkloop');
    await exec('systemctl', 'stop', 'forkloop');
    await exec('install', '-d', '-o', 'forkloop', '-m', '700', '/run/forkloop');
    const held = exec('flock', '/run/forkloop/forkloop.lock', 'sleep', '600');
    await until(async () => (await exec('pgrep', '-x', 'sleep')).code === 0);
    return async () => {
      await exec('pkill', '-x', 'sleep');
      await held;
    };
  }
});
