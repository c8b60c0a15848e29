import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, loadConfig } from '../../../src/config/load.ts';
import { LEAST, TemporaryFolder } from './temporary-config.ts';

describe('loadConfig', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = new TemporaryFolder();
  });
  afterEach(() => folder.remove());

  it('fills in every default, in milliseconds, bytes and shares', () => {
    const { config } = folder.load(LEAST);
    assert.deepEqual(config, {
      version: 1,
      name: 'forkloop',
      namespace: 'forkloop',
      tasks: [join(folder.path, 'tasks/*')],
      broker: { type: 'embedded', path: join(folder.path, '../var/forkloop.db') },
      defaults: {
        timeout: 60_000,
        kill_after: 5_000,
        retry: { attempts: 3, backoff: 'exponential', initial: 1_000, max: 300_000, jitter: 0.2 },
        max_payload: 1_048_576,
        max_result: 1_048_576,
        keep: { dead: 10_000, dead_for: 1_209_600_000 },
      },
      pools: {
        io: {
          kind: 'async',
          concurrency: 100,
          host: 'thread',
          block_timeout: 10_000,
          queues: ['eta'],
          required: true,
          ready_timeout: 30_000,
          restart: {
            initial: 100,
            factor: 2,
            max: 30_000,
            jitter: 0.25,
            stable_after: 10_000,
            intensity: 5,
            period: 60_000,
            on_crash_loop: 'probe',
          },
        },
      },
      queues: {},
      routes: [],
      schedules: {},
      shutdown: { drain_timeout: 60_000, cold_grace: 5_000 },
      control: { directory: join(folder.path, '../var') },
      log: { level: 'info', format: 'auto' },
    });
  });

  it('takes the folders that systemd gives for the store and the sockets', () => {
    const { config } = folder.load(LEAST, {
      STATE_DIRECTORY: '/var/lib/forkloop',
      RUNTIME_DIRECTORY: '/run/forkloop',
    });
    assert.equal(
      config.broker.type === 'embedded' ? config.broker.path : null,
      '/var/lib/forkloop/forkloop.db',
    );
    assert.equal(config.control.directory, '/run/forkloop');
  });

  it('starts relative paths at the folder of the file', () => {
    const { config } = folder.load(
      `${LEAST}broker: { type: redis, url: "redis://h", password_file: secret }\ncontrol: { directory: run }\n`,
    );
    assert.deepEqual(config.broker, {
      type: 'redis',
      url: 'redis://h',
      password_file: join(folder.path, 'secret'),
      lease: 30_000,
      heartbeat: 5_000,
      on_lease_lost: 'stop',
    });
    assert.equal(config.control.directory, join(folder.path, 'run'));
  });

  it('takes schedules, with a default for all that is left out', () => {
    const { config } = folder.load(`${LEAST}schedules:
  purge: { task: maintenance.purge, every: 5m, jitter: 10s }
  rebuild:
    task: maintenance.rebuild
    cron: "30 3 * * *"
    timezone: Europe/Paris
    overlap: allow
    missed: all
    input: { full: [null, 1.5, "x"] }
`);
    const { purge, rebuild } = config.schedules;
    const times = { every: 300_000, jitter: 10_000 };
    const rest = { overlap: 'skip', missed: 'once', input: null };
    assert.deepEqual(purge, { task: 'maintenance.purge', ...times, ...rest });
    assert.deepEqual(rebuild?.input, { full: [null, 1.5, 'x'] });
    assert.equal(rebuild?.jitter, 0);
  });

  it('answers what nobody can change afterwards', () => {
    const loaded = folder.load(LEAST);
    const { config, modules, warnings } = loaded;
    for (const part of [
      loaded,
      config,
      config.defaults.retry,
      config.pools['io']?.queues,
      modules,
      warnings,
    ]) {
      assert.ok(Object.isFrozen(part));
    }
  });

  it('finds everything that is wrong in one run, in the order of the lines, each at its place', () => {
    const { error, report } = folder.refuse(`version: 1
tasks: ["tasks/*", "missing/*"]
broker:
  type: redis

  ulr: redis://127.0.0.1:6379/0
pools:
  cpu:
    kind: proces
    queues: [geo]
  io:
    kind: async
    workers: 2
    timeout: 5
    queues: [eta, geo]
routes: [{ task: "eta.*", queue: etas }]
http: {}
defaults: { retry: { attempts: 0, jitter: 3 } }
`);
    assert.equal(error.code, 'ERR_CONFIG_INVALID');
    assert.equal(
      report.replace(/matches .*\/missing/, 'matches /missing'),
      `s.yaml:2:20: error: tasks[1]: no task module matches missing/*
    2 | tasks: ["tasks/*", "missing/*"]
      |                    ^^^^^^^^^^^
s.yaml:6:3: error: broker.ulr: unknown key, did you mean "url"?
    6 |   ulr: redis://127.0.0.1:6379/0
      |   ^^^
s.yaml:9:11: error: pools.cpu.kind: "proces" is not process | async, did you mean "process"?
    9 |     kind: proces
      |           ^^^^^^
s.yaml:13:5: error: pools.io.workers: unknown key here, it goes with kind: process
   13 |     workers: 2
      |     ^^^^^^^
s.yaml:14:14: error: pools.io.timeout: 5 has no unit, write 5s or 5ms
   14 |     timeout: 5
      |              ^
s.yaml:15:19: error: pools.io.queues[1]: "geo" already belongs to pool cpu: a queue has one pool
   15 |     queues: [eta, geo]
      |                   ^^^
s.yaml:16:34: error: routes[0].queue: no pool serves "etas", did you mean "eta"?
   16 | routes: [{ task: "eta.*", queue: etas }]
      |                                  ^^^^
s.yaml:17:1: error: http: comes with a later release
   17 | http: {}
      | ^^^^
s.yaml:18:32: error: defaults.retry.attempts: 0 is too little, the least is 1
   18 | defaults: { retry: { attempts: 0, jitter: 3 } }
      |                                ^
s.yaml:18:43: error: defaults.retry.jitter: 3 has no unit, write 3%
   18 | defaults: { retry: { attempts: 0, jitter: 3 } }
      |                                           ^`,
    );
    assert.deepEqual(
      error.problems.map(({ line, column }) => [line, column]),
      [
        [2, 20],
        [6, 3],
        [9, 11],
        [13, 5],
        [14, 14],
        [15, 19],
        [16, 34],
        [17, 1],
        [18, 32],
        [18, 43],
      ],
    );
  });

  /** The lines of the report that tell a problem, for a text beside LEAST's keys. */
  const toldOf = (text: string) =>
    folder
      .refuse(text)
      .report.split('\n')
      .filter((line) => / (error|warning): /.test(line));
  const withPool = (keys: string) =>
    `version: 1\ntasks: ["tasks/*"]\npools:\n  io:\n    queues: [eta]\n    ${keys}\n`;

  const table: [string, string, RegExp[]][] = [
    [
      'a misspelt required key is one problem',
      LEAST.replace('tasks', 'task'),
      [/^s\.yaml:2:1: error: task: unknown key, did you mean "tasks"\?$/],
    ],
    [
      'a misspelt kind is one problem',
      withPool('knd: async'),
      [/:6:5: error: pools\.io\.knd: unknown key, did you mean "kind"\?$/],
    ],
    [
      'a missing kind names the choices',
      withPool('timeout: 5s'),
      [/:4:3: error: pools\.io\.kind: is required: process \| async$/],
    ],
    [
      'a thread cannot be weighed',
      withPool('kind: async\n    recycle: { max_rss: { hard: 1GiB } }'),
      [/:7:16: error: pools\.io\.recycle\.max_rss: a thread has no memory of its own/],
    ],
    [
      'a soft limit above the hard one',
      withPool('kind: process\n    recycle: { max_rss: { soft: 2GiB, hard: 1GiB } }'),
      [/:7:33: error: pools\.io\.recycle\.max_rss\.soft: must not be above hard$/],
    ],
    [
      'a missing key points at its parent',
      `${LEAST}broker: { type: redis }`,
      [/:5:1: error: broker\.url: is required$/],
    ],
    ['an empty file', '', [/^s\.yaml: error: the file is empty$/]],
    ['a file that is a list', '- 1\n', [/:1:1: error: a list is not a mapping of keys$/]],
    ['a later version', LEAST.replace('version: 1', 'version: 2'), [/:1:10: error: version: 2 is not 1$/]],
    ['no pool', 'version: 1\ntasks: ["tasks/*"]\npools: {}\n', [/pools: at least one pool is needed$/]],
    ['no queue', LEAST.replace('[eta]', '[]'), [/pools\.io\.queues: at least one is needed$/]],
    [
      'a text where a list belongs',
      LEAST.replace('["tasks/*"]', 'tasks/*'),
      [/:2:8: error: tasks: "tasks\/\*" is not a list: write \[a, b\]$/],
    ],
    [
      'nothing where a mapping belongs',
      `${LEAST}defaults:\n`,
      [/:5:1: error: defaults: nothing is not a mapping of keys$/],
    ],
    [
      'an octal number where a text belongs',
      `${LEAST}name: 0600\n`,
      [/:5:7: error: name: 600 is not a text, quote it if it is meant as text$/],
    ],
    [
      'a fraction where a count belongs',
      withPool('{kind: async}').replace('{kind: async}', 'kind: async\n    concurrency: 1.5'),
      [/concurrency: 1\.5 is not a whole number$/],
    ],
    [
      'a count that is too large',
      withPool('kind: async\n    concurrency: 1e9'),
      [/concurrency: 1000000000 is too much, the most is 100000$/],
    ],
    [
      'words where workers are counted',
      withPool('kind: process\n    workers: many'),
      [/workers: "many": write auto or a whole number from 1 to 1024$/],
    ],
    [
      'no workers',
      withPool('kind: process\n    workers: 0'),
      [/workers: write auto or a whole number from 1 to 1024$|workers: 0 is too little/],
    ],
    [
      'a duration that no timer can wait',
      withPool('kind: async\n    timeout: 30d'),
      [/timeout: 30d is too much, the most is 24d$/],
    ],
    [
      'a duration of two parts',
      withPool('kind: async\n    timeout: 1h30m'),
      [/timeout: "1h30m" is not one number and one unit, write 30s or 500ms$/],
    ],
    [
      'a heartbeat above a quarter of the lease',
      `${LEAST}broker: { type: redis, url: "redis://h", lease: 20s, heartbeat: 6s }`,
      [/broker\.heartbeat: must be at most a quarter of the lease/],
    ],
    [
      'a heartbeat that a short lease leaves no time for',
      `${LEAST}broker: { type: redis, url: "redis://h", lease: 5s, heartbeat: 1s }`,
      [/broker\.heartbeat: must fit twice into the lease without its last 4s/],
    ],
    [
      'an address that is not one of Redis',
      `${LEAST}broker: { type: redis, url: "http://h" }`,
      [/broker\.url: "http:\/\/h": write redis:/],
    ],
    [
      'an address without its scheme, and does not tell its password',
      `${LEAST}broker: { type: redis, url: "user:geheim@h:6379" }`,
      [/broker\.url: "\*\*\*@h:6379": write redis:/],
    ],
    ['a namespace with braces', `${LEAST}namespace: "a{b}"`, [/namespace: "a\{b\}": a namespace is letters/]],
    [
      'a pool called like a property of objects',
      LEAST.replace('io:', 'constructor:'),
      [/:4:3: error: pools\.constructor: a name is/],
    ],
    [
      'a queue with an empty name',
      LEAST.replace('[eta]', '[""]'),
      [/pools\.io\.queues\[0\]: "?"?:? ?a name is/],
    ],
    [
      'a priority beyond 9',
      `${LEAST}queues: { eta: { priority: 10 } }`,
      [/queues\.eta\.priority: 10 is too much, the most is 9$/],
    ],
    [
      'options of a queue that no pool serves',
      `${LEAST}queues: { etta: {} }`,
      [/:5:11: error: queues\.etta: no pool serves "etta", did you mean "eta"\?$/],
    ],
    [
      'a queue twice in a pool',
      LEAST.replace('[eta]', '[eta, eta]'),
      [/pools\.io\.queues\[1\]: "eta" stands here twice$/],
    ],
    [
      'a route twice',
      `${LEAST}routes:\n  - { task: a, queue: eta }\n  - { task: a, queue: eta }\n`,
      [/:7:13: error: routes\[1\]\.task: never matches: routes\[0\] takes it first$/],
    ],
    [
      'a route behind one for everything',
      `${LEAST}routes:\n  - { task: "*", queue: eta }\n  - { task: a, queue: eta }\n`,
      [/routes\[1\]\.task: never matches/],
    ],
    [
      'a schedule without a time',
      `${LEAST}schedules:\n  purge: { task: a }\n`,
      [/:6:3: error: schedules\.purge: needs cron or every$/],
    ],
    [
      'a schedule with two times',
      `${LEAST}schedules:\n  purge: { task: a, every: 5m, cron: "0 0 * * *", timezone: UTC }\n`,
      [/:6:21: error: schedules\.purge\.every: a schedule has cron or every, not both$/],
    ],
    [
      'cron without a time zone',
      `${LEAST}schedules:\n  purge: { task: a, cron: "0 0 * * *" }\n`,
      [/:6:21: error: schedules\.purge\.cron: needs a timezone beside it, as in timezone: Europe\/Paris$/],
    ],
    [
      'every with a time zone',
      `${LEAST}schedules:\n  purge: { task: a, every: 5m, timezone: UTC }\n`,
      [/:6:32: error: schedules\.purge\.timezone: goes with cron, not with every$/],
    ],
    [
      'a minute that no hour has, a zone that no one knows, a day that never comes',
      `${LEAST}schedules:
  a: { task: a, timezone: Europe/Paris, cron: "61 * * * *" }
  b: { task: a, timezone: Europe/Pari, cron: "0 * * * *" }
  c: { task: a, timezone: Europe/Paris, cron: "0 0 30 2 *" }
`,
      [
        /:6:47: error: schedules\.a\.cron: minute 61 is out of range$/,
        /:7:27: error: schedules\.b\.timezone: no time zone is named "Europe\/Pari"/,
        /:8:47: error: schedules\.c\.cron: never fires: there is no such day$/,
      ],
    ],
    [
      'a schedule too often, a jitter as long as the period',
      `${LEAST}schedules:\n  a: { task: a, every: 999ms }\n  b: { task: a, every: 5m, jitter: 300s }\n`,
      [/a\.every: 999ms is too little, the least is 1s$/, /b\.jitter: must be shorter than every: "5m"$/],
    ],
    [
      'a schedule on a queue that no pool serves',
      `${LEAST}schedules: { a: { task: a, every: 5m, queue: etta } }`,
      [/schedules\.a\.queue: no pool serves "etta", did you mean "eta"\?$/],
    ],
    [
      'a way to overlap that there is not',
      `${LEAST}schedules: { a: { task: a, every: 5m, overlap: alow } }`,
      [/schedules\.a\.overlap: "alow" is not skip \| allow, did you mean "allow"\?$/],
    ],
    [
      'all that was missed, of jobs that exclude each other',
      `${LEAST}schedules: { a: { task: a, every: 5m, missed: all } }`,
      [/schedules\.a\.missed: all needs overlap: allow/],
    ],
    [
      'a jitter as long as the shortest time between two ticks',
      `${LEAST}schedules:\n  a: { task: a, cron: "0,50 * * * *", timezone: UTC, jitter: 10m }\n`,
      [
        /:6:62: error: schedules\.a\.jitter: must be shorter than 10m, the shortest time between two of its ticks$/,
      ],
    ],
    [
      'an input that is not JSON',
      `${LEAST}schedules: { a: { task: a, every: 5m, input: { x: [.inf] } } }`,
      [/schedules\.a\.input: .*neither \.inf nor \.nan/],
    ],
    [
      'an unknown key of a schedule',
      `${LEAST}schedules: { a: { task: a, evry: 5m } }`,
      [/schedules\.a: needs cron or every$/, /schedules\.a\.evry: unknown key, did you mean "every"\?$/],
    ],
    ['keys of a later release', `${LEAST}http: { listen: x }`, [/http: comes with a later release$/]],
    [
      'recycling of what is no pool',
      `${LEAST}queues: { eta: { recycle: { max_jobs: 5 } } }`,
      [/queues\.eta\.recycle: unknown key$/],
    ],
    ['a key twice', `${LEAST}version: 1\n`, [/:5:1: error: map keys must be unique$/]],
    ['a tag', `${LEAST}name: !secret x\n`, [/:5:7: error: unresolved tag: !secret$/]],
    ['two documents', `${LEAST}---\n${LEAST}`, [/error: source contains multiple documents/]],
    ['an alias without anchor', `${LEAST}name: *x\n`, [/error: unresolved alias/]],
    [
      'a mapping that holds itself',
      `${LEAST}defaults: &d { retry: *d }\n`,
      [/defaults\.retry\.retry: unknown key/],
    ],
    [
      'aliases that multiply',
      `${LEAST}a: &a [x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b]\n`,
      [/error: its aliases \(\*name\) repeat more than 20 parts of the file: write them out/],
    ],
    ['brackets that do not close', `${LEAST}name: [\n`, [/error: /]],
  ];
  for (const [what, text, expected] of table) {
    it(`refuses ${what}`, () => {
      const told = toldOf(text);
      assert.equal(told.length, expected.length, told.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(told[index] ?? '', pattern);
    });
  }

  it('refuses a control directory whose sockets no system can name', () => {
    const told = toldOf(`${LEAST}control: { directory: "/${'d'.repeat(94)}" }\n`);
    assert.match(
      told[0] ?? '',
      /control\.directory: the path of its socket would have 108 bytes, the system allows 107/,
    );
    assert.equal(folder.load(`${LEAST}control: { directory: "/${'d'.repeat(93)}" }\n`).warnings.length, 0);
  });

  it('warns about more workers than cores, and loads', () => {
    const loaded = folder.load(LEAST.replace('kind: async,', 'kind: process, workers: 3,'), {}, 2);
    assert.deepEqual(
      loaded.warnings.map(({ severity, path, message, line }) => ({ severity, path, message, line })),
      [
        {
          severity: 'warning',
          path: 'pools.io.workers',
          message: '3 workers share 2 cores: they wait for each other',
          line: 4,
        },
      ],
    );
    assert.match(loaded.report, /s\.yaml:4:33: warning: pools\.io\.workers: 3 workers/);
  });

  it('does not ask for task modules where they are ignored', () => {
    const path = folder.write('other/s.yaml', LEAST);
    assert.throws(() => loadConfig({ path, env: {} }), /no task module matches/);
    assert.deepEqual(loadConfig({ path, env: {}, modules: 'ignored' }).modules, []);
  });

  it('takes what an anchor repeats', () => {
    const loaded = folder.load(
      `${LEAST.replace('[eta]', '[eta, geo]')}queues: { eta: &same { priority: 2 }, geo: *same }\n`,
    );
    assert.equal(loaded.config.queues['geo']?.priority, 2);
  });

  it('lets no control character of the file reach a terminal', () => {
    const { report } = folder.refuse(`${LEAST}"x\u001b[31m\u009b": "\u202e"\n`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
    assert.doesNotMatch(report, /[\u0000-\u0009\u000b-\u001f\u0080-\u009f\u202e]/);
  });

  it('shows no password of a broken address, wherever it was written', () => {
    const broken = [
      'url: user:geheim@h:6379',
      'url: redis:/:geheim@h',
      'url:\n    user:geheim@h',
      'url: user:geheim@h: x',
      'ulr: user:geheim@h',
      'url: $' + '{URL}',
    ];
    for (const line of broken) {
      const { report, error } = folder.refuse(`${LEAST}broker:\n  type: redis\n  ${line}\n`, {
        URL: 'user:geheim@h',
      });
      assert.doesNotMatch(report + JSON.stringify(error.problems), /geheim/, line);
    }
  });

  it('says in one line why a file cannot be read', () => {
    mkdirSync(join(folder.path, 'directory'));
    symlinkSync('loop', join(folder.path, 'loop'));
    for (const [name, reason] of [
      ['missing.yaml', /cannot be read: there is no such file$/m],
      ['directory', /not a file|EISDIR/],
      ['loop', /ELOOP/],
    ] as const) {
      assert.throws(
        () => loadConfig({ path: join(folder.path, name), env: {} }),
        (error: unknown) =>
          error instanceof ConfigError &&
          error.problems.length === 1 &&
          reason.test(error.report) &&
          error.problems[0]?.line === null,
      );
    }
    assert.throws(() => loadConfig({ path: '/dev/zero', env: {} }), ConfigError);
  });

  it('shortens the report of a file with thousands of mistakes', () => {
    const keys = Array.from({ length: 2_000 }, (_, n) => `key${n}: 1`).join('\n');
    const { error, report } = folder.refuse(`${LEAST}${keys}\n`);
    assert.equal(error.problems.length, 2_000);
    assert.match(report, /and 1950 more$/);
  });
});

describe('config/supervisor.yaml', () => {
  it('is valid, and says what the example needs', () => {
    const { config, modules, warnings } = loadConfig({
      path: fileURLToPath(new URL('../../../config/supervisor.yaml', import.meta.url)),
      env: {},
    });
    assert.deepEqual(
      warnings.filter(({ message }) => !/is newer than/.test(message)),
      [],
    );
    assert.deepEqual(
      Object.entries(config.pools).map(([name, { kind, queues }]) => [name, kind, queues]),
      [
        ['cpu', 'process', ['location']],
        ['io', 'async', ['eta']],
        ['upkeep', 'async', ['maintenance']],
      ],
    );
    assert.deepEqual(
      modules.map((path) => path.replace(/^.*\/|\.[jt]s$/g, '')),
      ['eta-predict', 'location-filter', 'maintenance-purge'],
    );
    assert.match(config.control.directory, /\/var$/);
  });
});
