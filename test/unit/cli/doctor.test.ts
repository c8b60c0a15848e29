import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parse } from 'yaml';
import {
  type Check,
  checkFolder,
  checkNode,
  checkOpenFiles,
  checkTypeScript,
} from '../../../src/cli/doctor-checks.ts';
import { runMain } from '../../support/run-main.ts';
import { TemporaryFolder } from '../config/temporary-config.ts';

const ROOT = new URL('../../../', import.meta.url).pathname;
const LEAST =
  'version: 1\ntasks: [tasks.mjs]\npools: { io: { kind: async, queues: [default] } }\ncontrol: { directory: run }\nbroker: { type: embedded, path: store/jobs.db }\n';
const TASK = `import { defineTask } from ${JSON.stringify(`${ROOT}src/index.ts`)};\nexport const a = defineTask('a', { run() {} });\n`;

describe('doctor', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
    folder.write('tasks.mjs', TASK);
  });
  afterEach(() => folder.remove());

  const doctor = async (yaml: string, words = '-o json') => {
    folder.write('s.yaml', yaml);
    return runMain(`doctor -c s.yaml ${words}`, {}, folder.path);
  };
  const checksOf = async (yaml: string) => {
    const { code, stdout } = await doctor(yaml);
    const report = JSON.parse(stdout) as { schema: string; ok: boolean; checks: Check[] };
    assert.equal(report.schema, 'forkloop.doctor/1');
    assert.deepEqual(
      [code, report.ok],
      report.checks.some(({ status }) => status === 'fail') ? [1, false] : [0, true],
    );
    for (const { status, fix } of report.checks) {
      assert.equal(fix !== null, status === 'warn' || status === 'fail', 'what is wrong has a way out');
    }
    return new Map(report.checks.map((check) => [check.name, check]));
  };

  it('finds everything in order where it is', async () => {
    const checks = await checksOf(LEAST);
    assert.deepEqual(
      [...checks].map(([name, { status }]) => `${name}: ${status}`),
      [
        'node: ok',
        'flock: ok',
        'configuration: ok',
        'typescript: skip',
        'tasks: ok',
        'control directory: ok',
        'daemon: ok',
        'broker: ok',
        'open files: ok',
      ],
    );
    assert.match(checks.get('daemon')?.message ?? '', /none runs here/);
  });

  it('names the first mistake of a bad configuration and leaves the rest', async () => {
    const checks = await checksOf(LEAST.replace('async', 'asinc'));
    const { status, message } = checks.get('configuration') as Check;
    assert.equal(status, 'fail');
    assert.match(message, /s\.yaml:3: pools\.io\.kind: "asinc" is not/);
    assert.equal(checks.size, 3);
  });

  it('fails for a task module that does not load, and names it', async () => {
    folder.write('tasks.mjs', 'throw new Error("no settings");');
    const check = (await checksOf(LEAST)).get('tasks') as Check;
    assert.equal(check.status, 'fail');
    assert.match(check.message, /tasks\.mjs does not load: Error: no settings/);
  });

  it('warns of a task that no pool serves', async () => {
    const check = (await checksOf(LEAST.replace('[default]', '[other]'))).get('tasks') as Check;
    assert.deepEqual([check.status, check.message], ['warn', 'a: no pool serves the queue "default"']);
  });

  it('fails for a broker that does not answer, with its reason', async () => {
    const yaml = LEAST.replace(
      'type: embedded, path: store/jobs.db',
      'type: redis, url: "redis://127.0.0.1:1"',
    );
    const check = (await checksOf(yaml)).get('broker') as Check;
    assert.equal(check.status, 'fail');
    assert.match(check.message, /ECONNREFUSED 127\.0\.0\.1:1/);
  });

  it('prints a line for each check and the way out below, and the same report in every format', async () => {
    const yaml = LEAST.replace('[default]', '[other]');
    const { stdout } = await doctor(yaml, '');
    assert.match(stdout, /^ok {4}node +v\d+/m);
    assert.match(
      stdout,
      /^warn {2}tasks +a: no pool serves the queue "default"\n +-> add the queue to a pool/m,
    );
    assert.equal((await doctor(yaml, '-o wide')).stdout, stdout);
    const report = JSON.parse((await doctor(yaml)).stdout) as { checks: Check[] };
    assert.deepEqual(parse((await doctor(yaml, '-o yaml')).stdout), report);
    const lines = (await doctor(yaml, '-o ndjson')).stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as Check),
      report.checks,
    );
  });

  for (const [version, status] of [
    ['v20.19.0', 'ok'],
    ['v20.18.9', 'fail'],
    ['v18.99.0', 'fail'],
    ['v22.0.0', 'ok'],
    ['v100.1.0', 'ok'],
  ] as const) {
    it(`node ${version}: ${status}`, () => assert.equal(checkNode(version).status, status));
  }

  for (const [limit, status] of [
    ['1024', 'ok'],
    ['300', 'warn'],
    ['unlimited', 'ok'],
  ] as const) {
    it(`100 jobs at once with at most ${limit} open files: ${status}`, () => {
      const limits = `Limit   Soft Limit   Hard Limit   Units\nMax open files            ${limit}     ${limit}     files\n`;
      assert.equal(checkOpenFiles(limits, folder.load(LEAST).config).status, status);
    });
  }

  it('a limit of open files that is not known is left out', () => {
    assert.equal(checkOpenFiles('', folder.load(LEAST).config).status, 'skip');
  });

  it('a folder that a file stands in the way of fails, one that can be made does not', () => {
    folder.write('file');
    assert.equal(checkFolder(join(folder.path, 'file')).status, 'fail');
    assert.equal(checkFolder(join(folder.path, 'file/below')).status, 'fail');
    assert.match(checkFolder(join(folder.path, 'new/below')).message, /will be made/);
    assert.equal(checkFolder(folder.path).message, folder.path);
  });

  it('a folder that is not ours to write in fails', function () {
    if (process.getuid?.() === 0) {
      console.log('      skipped: root may write anywhere');
      return this.skip();
    }
    assert.equal(checkFolder('/proc').status, 'fail');
  });

  it('TypeScript is no question without TypeScript, and answered with tsx', () => {
    assert.equal(checkTypeScript(['/a.js', '/b.mjs', '/c.cjs']).status, 'skip');
    assert.equal(checkTypeScript([join(ROOT, 'a.ts')]).status, 'ok');
  });
});
