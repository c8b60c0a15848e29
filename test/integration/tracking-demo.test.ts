import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { processesWithEnvironment } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { ROOT } from '../support/with-supervisor.ts';

const DEMO = resolve(ROOT, 'examples/tracking/demo/demo.js');
const END_MS = 5_000;

describe('the demo', function () {
  this.timeout(120_000);
  let folder: string;
  let temporary: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    temporary = join(folder, 't');
    await mkdir(temporary);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Starts it in the folder; workers inherit TMPDIR, so that all it starts can be found by it. */
  function start(...args: string[]) {
    const child = spawn(process.execPath, [DEMO, ...args], {
      cwd: folder,
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.stderr += text));
    const ended = new Promise<number | null>((done) => child.once('close', done));
    return { child, printed, ended };
  }

  async function assertNothingLeft(): Promise<void> {
    const left = () => processesWithEnvironment(`TMPDIR=${temporary}\0`);
    await until(() => left().length === 0, END_MS).catch(() => {});
    assert.deepEqual(left(), [], 'processes are left');
    const strangers = (await readdir(temporary)).filter((name) => !name.startsWith('node-compile-cache'));
    assert.deepEqual(strangers, [], 'temporary files are left');
  }

  it('runs the load in all three ways, writes its report and leaves nothing else', async () => {
    const { printed, ended } = start('--quick');
    assert.equal(await ended, 0, printed.stderr + printed.stdout);
    assert.equal(printed.stderr, '');
    for (const label of ['process pool alone', 'async pool alone', 'both']) {
      assert.equal(printed.stdout.match(new RegExp(`^  ${label} +\\d`, 'gm'))?.length, 3, printed.stdout);
    }
    assert.match(printed.stdout, /^both: .*× faster on average than process pool alone/m);
    const report = join(folder, 'demo-report.html');
    assert.ok(printed.stdout.includes(report));
    assert.match(await readFile(report, 'utf8'), /<svg /);
    assert.deepEqual((await readdir(folder)).sort(), ['demo-report.html', 't']);
    await assertNothingLeft();
  });

  it('leaves nothing when it is interrupted', async () => {
    const { child, printed, ended } = start();
    await until(() => /process pool alone .*0%/.test(printed.stdout), 60_000);
    child.kill('SIGINT');
    assert.equal(await ended, 130, printed.stderr);
    assert.ok(!existsSync(join(folder, 'demo-report.html')));
    await assertNothingLeft();
  });

  it('says what is wrong before it starts anything', async () => {
    for (const [args, code, why] of [
      [['--repeat', 'often'], 64, /--repeat: "often" is not a whole number/],
      [['--data', 'none.csv'], 1, /none\.csv/],
      [['--report', 'none/report.html'], 1, /none/],
    ] as const) {
      const { printed, ended } = start(...args);
      assert.equal(await ended, code);
      assert.match(printed.stderr, why);
      await assertNothingLeft();
    }
  });
});
