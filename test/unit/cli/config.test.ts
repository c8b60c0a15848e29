import assert from 'node:assert/strict';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { runMain } from '../../support/run-main.ts';
import { TemporaryFolder } from '../config/temporary-config.ts';

const TEXT = `version: 1
tasks: [task.mjs]
broker:
  type: redis
  url: \${REDIS_URL:-redis://h}
pools:
  io:
    kind: async
    queues: [a, b]
    timeout: \${TIMEOUT:-90s}
    env: &shared { API_TOKEN: abc, PORT: "80" }
  cpu: { kind: process, queues: [c], env: *shared }
routes:
  - { task: "x.*", queue: a }
`;

interface Setting {
  key: string;
  value: unknown;
  origin: unknown;
}

describe('config show', () => {
  let folder: TemporaryFolder;
  before(() => {
    folder = new TemporaryFolder();
    folder.write('s.yaml', TEXT);
    folder.write('task.mjs');
  });
  after(() => folder.remove());
  const show = (words: string, env = {}) => runMain(`config show -c s.yaml ${words}`, env, folder.path);
  const origins = async (env = {}) => {
    const { stdout } = await show('--origin -o ndjson', env);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Setting);
    return new Map(lines.map(({ key, value, origin }) => [key, { value, origin }]));
  };

  it('prints YAML that means what the file means, in units as people write them', async () => {
    const { code, stdout, stderr } = await show('', { TIMEOUT: '2m' });
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^ {4}timeout: 2m$/m);
    assert.match(stdout, /^ {2}max_payload: 1MiB$/m);
    const again = folder.write('again.yaml', stdout.replaceAll('"***"', 'abc'));
    const original = loadConfig({ path: `${folder.path}/s.yaml`, env: { TIMEOUT: '2m' } });
    assert.deepEqual(loadConfig({ path: again, env: {} }).config, original.config);
  });

  it('tells of each value whether file, variable or default says it', async () => {
    const file = (line: number) => ({ from: 'file', file: `${folder.path}/s.yaml`, line });
    const found = await origins({ REDIS_URL: 'redis://other', RUNTIME_DIRECTORY: '/run/x', TIMEOUT: '' });
    assert.deepEqual(found.get('broker.url'), {
      value: 'redis://other',
      origin: { from: 'env', variable: 'REDIS_URL' },
    });
    assert.deepEqual(found.get('pools.io.timeout'), { value: '90s', origin: file(10) });
    assert.deepEqual(found.get('pools.io.queues'), { value: ['a', 'b'], origin: file(9) });
    assert.deepEqual(found.get('pools.cpu.env.PORT'), { value: '80', origin: file(11) });
    assert.deepEqual(found.get('routes[0].queue'), { value: 'a', origin: file(14) });
    assert.deepEqual(found.get('broker.lease'), { value: '30s', origin: { from: 'default' } });
    assert.deepEqual(found.get('control.directory'), {
      value: '/run/x',
      origin: { from: 'env', variable: 'RUNTIME_DIRECTORY' },
    });
  });

  it('writes origins as comments for people', async () => {
    const { stdout } = await show('--origin', { REDIS_URL: 'redis://other' });
    assert.match(stdout, /^ {2}url: redis:\/\/other # env REDIS_URL$/m);
    assert.match(stdout, /^ {2}lease: 30s # default$/m);
    assert.match(stdout, /^ {4}queues: \[a, b\] # s\.yaml:9$/m);
  });

  for (const url of [
    'redis://user:hunter2@h:1/0',
    'redis://:hunter2@h',
    'rediss://u:hunter2@x@h/1',
    'redis://u:a/hunter2@h',
  ]) {
    it(`hides the password of ${url} in every format`, async () => {
      for (const format of ['table', 'wide', 'json', 'ndjson', 'yaml']) {
        const { code, stdout } = await show(`--origin -o ${format}`, { REDIS_URL: url });
        assert.equal(code, 0);
        assert.doesNotMatch(stdout, /hunter2|abc/);
        assert.match(stdout, /:\*\*\*@h/);
      }
    });
  }

  it('is one report in JSON and YAML, with settings only when origins are asked for', async () => {
    const json = JSON.parse((await show('-o json')).stdout) as Record<string, unknown>;
    assert.deepEqual(Object.keys(json), ['schema', 'path', 'config']);
    assert.equal(json['schema'], 'forkloop.config/1');
    assert.deepEqual(parse((await show('-o yaml')).stdout), json);
    const { settings } = JSON.parse((await show('-o json --origin')).stdout) as { settings: Setting[] };
    assert.deepEqual(settings[0], {
      key: 'version',
      value: 1,
      origin: { from: 'file', file: `${folder.path}/s.yaml`, line: 1 },
    });
  });

  it('config schema prints the JSON Schema, in YAML and on one line, too', async () => {
    const { code, stdout } = await runMain('config schema');
    assert.equal(code, 0);
    const schema = JSON.parse(stdout) as object;
    assert.equal(new Ajv({ strictTypes: false }).compile(schema)({ version: 2 }), false);
    assert.deepEqual(JSON.parse((await runMain('config schema -o ndjson')).stdout), schema);
    assert.deepEqual(parse((await runMain('config schema -o yaml')).stdout), schema);
  });
});
