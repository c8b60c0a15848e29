import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { parse, stringify } from 'yaml';
import { configJsonSchema, configTree, type JsonSchema } from '../../../src/config/json-schema.ts';
import { ConfigError } from '../../../src/config/load.ts';
import { ROOT } from '../../support/with-supervisor.ts';
import { TemporaryFolder } from './temporary-config.ts';

const FILES = ['config/supervisor.yaml', 'examples/tracking/supervisor.yaml'];
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');

const LEAST = { version: 1, tasks: ['tasks/*'], pools: { io: { kind: 'async', queues: ['a'] } } };

/** Every kind of key. */
const FULL = {
  version: 1,
  name: 'eta',
  namespace: 'eta',
  tasks: ['tasks/*'],
  broker: { type: 'redis', url: 'redis://h', lease: '30s', heartbeat: '5s', on_lease_lost: 'stop' },
  defaults: {
    timeout: '60s',
    retry: { attempts: 3, jitter: '20%' },
    max_payload: '1MiB',
    keep: { dead: 10 },
  },
  pools: {
    cpu: {
      kind: 'process',
      workers: 'auto',
      queues: ['a'],
      required: true,
      env: { A: 'b' },
      restart: { factor: 2 },
      recycle: { max_jobs: 5, max_age: '6h', max_rss: { soft: '512MiB', hard: '1GiB' } },
    },
    io: { kind: 'async', concurrency: 5, host: 'thread', queues: ['b'], retry: { backoff: 'fixed' } },
  },
  queues: { b: { priority: 3, keep: { results: '10m' } } },
  routes: [{ task: 'x.*', queue: 'b' }],
  schedules: {
    often: {
      task: 'x.a',
      every: '5m',
      jitter: '10s',
      overlap: 'skip',
      missed: 'once',
      input: { full: false },
    },
    nightly: { task: 'x.b', queue: 'b', cron: '30 3 * * *', timezone: 'Europe/Paris' },
  },
  shutdown: { drain_timeout: '60s' },
  control: { directory: 'run' },
  log: { level: 'info', format: 'auto' },
};

const VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e12,
  '',
  'x y',
  '5',
  '5s',
  '5KiB',
  '5%',
  `\${A:-b}`,
  [],
  [1],
  {},
  { a: 1 },
];

describe('the JSON Schema of the configuration', () => {
  let validate: ValidateFunction;
  let folder: TemporaryFolder;
  before(() => {
    folder = new TemporaryFolder();
    folder.write('tasks/one.mjs');
    validate = new Ajv({ strictTypes: false, allErrors: true }).compile(configJsonSchema());
  });
  after(() => folder.remove());

  it('is draft-07, the newest that the YAML language server knows', () => {
    assert.equal(configJsonSchema().$schema, 'http://json-schema.org/draft-07/schema#');
  });

  for (const file of FILES) {
    it(`takes ${file}, which names it for editors`, () => {
      assert.ok(validate(parse(read(file))), JSON.stringify(validate.errors, null, 1));
      const path = /^# yaml-language-server: \$schema=(\S+)\n/.exec(read(file))?.[1] ?? '';
      assert.equal(resolve(ROOT, dirname(file), path), join(ROOT, 'config/supervisor.schema.json'));
    });
  }

  it('explains every key and knows an example, a default or the choices of each', () => {
    const poor = leavesOf(configTree(), '').filter(
      ([, { description, default: fallback, enum: values, const: constant, ...rest }]) =>
        description === undefined ||
        !/[.…]$/.test(description) ||
        (!isMapping(rest) &&
          [fallback, values, constant, rest['x-examples'], rest['x-quantity'], rest.minimum].every(
            (each) => each === undefined,
          )),
    );
    assert.deepEqual(
      poor.map(([path]) => path),
      [],
    );
  });

  it('asks for quantities as people write them', () => {
    for (const [text, good] of [
      ['30s', true],
      ['1.5h', true],
      ['500ms', true],
      [`\${TIMEOUT:-30s}`, true],
      ['30', false],
      ['1h30m', false],
      ['30 s', false],
      [30, false],
      [30_000, false],
    ] as const) {
      assert.equal(validate({ ...LEAST, defaults: { timeout: text } }), good, String(text));
    }
  });

  it('takes what a variable may stand for: the loader decides when it knows the value', () => {
    const text = `version: 1
tasks: ["\${TASKS:-tasks/*}"]
name: \${NAME:-eta}
pools:
  cpu:
    kind: process
    workers: \${WORKERS:-2}
    required: \${REQUIRED:-true}
    queues: ["\${QUEUE:-a}"]
  io:
    kind: \${KIND:-async}
    concurrency: \${SLOTS:-5}
    queues: [b]
log: { level: "\${LEVEL:-info}" }
`;
    assert.ok(validate(parse(text)), JSON.stringify(validate.errors, null, 1));
    assert.equal(folder.load(text).config.pools['io']?.kind, 'async');
  });

  describe('refuses nothing that the loader takes', () => {
    for (const [name, changed] of corpus()) {
      it(name, () => {
        const isGood = validate(changed);
        assert.equal(isGood, false, 'each case breaks a rule that the schema knows');
        assert.throws(() => folder.load(stringify(changed)), ConfigError);
      });
    }
  });

  it('refuses nothing that the loader takes, whatever is removed or replaced', () => {
    const wrong: string[] = [];
    let refused = 0;
    for (const [name, changed] of mutants(FULL)) {
      if (validate(changed)) continue;
      refused++;
      try {
        folder.load(stringify(changed));
        wrong.push(name);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
      }
    }
    assert.deepEqual(wrong, []);
    assert.ok(refused > 300, `${refused} refused`);
  });

  it('takes the whole that the mutants are made of, as the loader does', () => {
    assert.ok(validate(FULL), JSON.stringify(validate.errors, null, 1));
    folder.load(stringify(FULL));
  });
});

/** What an author gets wrong, at least once for every rule that JSON Schema can tell. */
function corpus(): (readonly [string, unknown])[] {
  const pool = (keys: object) => ({ ...LEAST, pools: { io: { kind: 'async', queues: ['a'], ...keys } } });
  const { version: _version, ...unversioned } = LEAST;
  return [
    ['no version', unversioned],
    ['another version', { ...LEAST, version: 2 }],
    ['a version as text', { ...LEAST, version: '1' }],
    ['no task', { ...LEAST, tasks: [] }],
    ['no pool', { ...LEAST, pools: {} }],
    ['an unknown key at the top', { ...LEAST, pool: {} }],
    ['an unknown key of a pool', pool({ concurency: 5 })],
    ['an unknown key deep inside', pool({ restart: { inital: '1s' } })],
    ['a key of the other kind', pool({ workers: 3 })],
    ['an unknown kind', pool({ kind: 'thread' })],
    ['no kind', { ...LEAST, pools: { io: { queues: ['a'] } } }],
    ['no queues', pool({ queues: [] })],
    ['queues that are no list', pool({ queues: 'a' })],
    ['a name with a blank', pool({ queues: ['a b'] })],
    ['a pool with a bad name', { ...LEAST, pools: { 'a b': { kind: 'async', queues: ['a'] } } }],
    ['a duration without a unit', pool({ timeout: 5 })],
    ['a duration of two parts', pool({ timeout: '1h30m' })],
    ['a size in megabytes', { ...LEAST, defaults: { max_payload: '5MB' } }],
    ['a percentage as a number', { ...LEAST, defaults: { retry: { jitter: 0.2 } } }],
    ['too few slots', pool({ concurrency: 0 })],
    ['too many slots', pool({ concurrency: 100_001 })],
    ['half a slot', pool({ concurrency: 1.5 })],
    ['a boolean as text', pool({ required: 'yes' })],
    ['a choice that is none', { ...LEAST, log: { level: 'loud' } }],
    ['a variable of the environment that is a number', pool({ env: { PORT: 80 } })],
    ['a bad name of a variable', pool({ env: { 'A-B': 'c' } })],
    ['a priority beyond 9', { ...LEAST, queues: { a: { priority: 10 } } }],
    ['a route without a queue', { ...LEAST, routes: [{ task: 'a' }] }],
    ['a broker without its url', { ...LEAST, broker: { type: 'redis' } }],
    ['a broker of another scheme', { ...LEAST, broker: { type: 'redis', url: 'http://h' } }],
    ['a broker with the key of another', { ...LEAST, broker: { type: 'embedded', url: 'redis://h' } }],
    ['a mapping that is empty in YAML', { ...LEAST, defaults: null }],
    ['a list as the file', [LEAST]],
  ];
}

/** The whole with each part removed, with each replaced by each value, and with a key more in each mapping. */
function* mutants(whole: unknown, path = ''): Generator<readonly [string, unknown]> {
  for (const value of VALUES) yield [`${path} = ${JSON.stringify(value)}`, value];
  if (typeof whole !== 'object' || whole === null) return;
  const rebuilt = (entries: (readonly [string, unknown])[]) =>
    Array.isArray(whole) ? entries.map(([, value]) => value) : Object.fromEntries(entries);
  const entries = Object.entries(whole);
  yield [`${path} + key`, rebuilt([...entries, ['surplus', 1]])];
  for (const [key, part] of entries) {
    const others = entries.filter(([other]) => other !== key);
    yield [`${path}.${key} removed`, rebuilt(others)];
    for (const [name, changed] of mutants(part, `${path}.${key}`)) {
      yield [name, rebuilt(entries.map((entry) => (entry[0] === key ? [key, changed] : entry)))];
    }
  }
}

const isMapping = ({ properties, additionalProperties, oneOf, items }: JsonSchema) =>
  properties !== undefined ||
  oneOf !== undefined ||
  items !== undefined ||
  typeof additionalProperties === 'object';

function leavesOf(schema: JsonSchema, path: string): [string, JsonSchema][] {
  const inner = [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, value]): [string, JsonSchema][] => [
      [`${path}.${key}`, value],
      ...leavesOf(value, `${path}.${key}`),
    ]),
    ...(schema.oneOf ?? []).flatMap((choice) => leavesOf(choice, path)),
    ...(typeof schema.additionalProperties === 'object'
      ? leavesOf(schema.additionalProperties, `${path}.*`)
      : []),
    ...(schema.items === undefined ? [] : leavesOf(schema.items, `${path}[]`)),
  ];
  return inner;
}
