import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { textWidth } from '../../../src/cli/table.ts';
import { commandPaths, namesOf } from '../../support/cli-reference.ts';
import { runMain as run } from '../../support/run-main.ts';

/** Commands whose help needs no example. */
const PLAIN = new Set(['version']);

describe('command line', () => {
  for (const command of commandPaths()) {
    it(`explains ${command === '' ? 'itself' : `"${command}"`} within 80 columns, on stdout`, async () => {
      const { code, stdout, stderr } = await run(`${command} --help`);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^Usage: supervisor ?${command}`));
      for (const line of stdout.split('\n')) assert.ok(textWidth(line) <= 80, line);
      if (!PLAIN.has(command)) assert.match(stdout, /^Examples:$/m);
    });
  }

  it('explains a command by "help" too', async () => {
    for (const path of ['status', 'queue', 'queue pause']) {
      const { code, stdout } = await run(`help ${path}`);
      assert.deepEqual([code, stdout], [0, (await run(`${path} --help`)).stdout], path);
    }
    assert.equal((await run('queue help pause')).stdout, (await run('queue pause --help')).stdout);
  });

  for (const [line, message] of [
    ['strat', /unknown command 'strat'\n\(Did you mean start\?\)/],
    ['job lits', /unknown command 'lits'\n\(Did you mean list\?\)/],
    ['status --wacht', /unknown option '--wacht'\n\(Did you mean --watch\?\)/],
    ['enqueue', /missing required argument 'task'/],
    ['enqueue a {} b', /too many arguments/],
    ['status extra', /too many arguments/],
    [
      'status -o xml',
      /^error: --output: "xml" is none of table, wide, json, ndjson, yaml\nsupervisor --help shows/,
    ],
    ['status -c', /^error: --config: its value <file> is missing\n/],
    ['--timeout 5 version', /--timeout: "5" is no duration/],
    ['job show 17', /"17" is no job id/],
    [
      'job list --state lost',
      /^error: --state: "lost" is none of ready, delayed, in_flight, dead\nsupervisor job list --help shows/,
    ],
    ['health alive', /^error: <probe>: "alive" is none of live, ready\n/],
    ['help quue', /unknown command 'quue'\n\(Did you mean queue\?\)\nsupervisor --help shows/],
    ['help queue puase', /unknown command 'puase'\n\(Did you mean pause\?\)\nsupervisor queue --help shows/],
    [
      'job list --where stat=dead',
      /--where: "stat" is no field, did you mean "state"\?\n {2}stat=dead\n {2}\^{4}\n/,
    ],
    ['job list --where x=1', /"x" is no field\n {2}x=1\n {2}\^\n {2}there are: state task queue id unique /],
    ['queue purge q', /--state says which of its jobs: ready, delayed, dead/],
    ['job retry', /name jobs by their ids, or by --where\nsupervisor job retry --help shows/],
    ['job delete 0198c0de-7a1b-7cc0-8000-0242ac120002 --where state=dead', /by their ids, or by --where/],
    ['job wait 17', /"17" is no job id/],
    ['job wait', /missing required argument 'id'/],
    ['enqueue t 1 --result long', /--result: "long" is no duration/],
    ['job list --limit 0 --socket x', /--limit: "0" is not a whole number/],
    ['enqueue t 1 --delay soon', /--delay: "soon" is no duration/],
    ['enqueue t 1 --priority 10', /--priority: "10" is not a whole number from 0 to 9/],
    ['enqueue t 1 --attempts 1.5', /--attempts: "1.5"/],
    ['enqueue t 1 --each', /--each reads lines/],
    ['enqueue t - --each --unique k', /--each with --unique/],
    ['enqueue t @/no/such/file', /there is no such file/],
  ] as const) {
    it(`refuses "${line}" as wrong usage, with exit code 64`, async () => {
      const { code, stdout, stderr } = await run(line);
      assert.deepEqual([code, stdout], [64, '']);
      assert.match(stderr, message);
      assert.match(stderr, /^error: /);
    });
  }

  it('explains itself on stderr when there is no command, with exit code 64', async () => {
    for (const line of ['', 'job']) {
      const { code, stdout, stderr } = await run(line);
      assert.deepEqual([code, stdout], [64, '']);
      assert.match(stderr, /^Usage: supervisor/);
    }
  });

  it('prints the version, by command and by flag', async () => {
    assert.match((await run('version')).stdout, /^forkloop 1\.2\.3 {2}node v/);
    assert.equal((await run('--version')).stdout, '1.2.3\n');
  });
});

describe('a word that is not known', () => {
  for (const path of commandPaths()) {
    const { commands, options } = namesOf(path);

    for (const name of commands) {
      it(`${`${path} ${misspelt(name)}`.trim()} is told to be ${name}, perhaps`, async () => {
        const { code, stdout, stderr } = await run(`${path} ${misspelt(name)}`);
        assert.deepEqual([code, stdout], [64, '']);
        assert.match(stderr, /^error: unknown command '/);
        assert.match(stderr, new RegExp(`Did you mean (one of )?.*\\b${name}\\b.*\\?\\)`));
        assert.match(stderr, /--help/);
      });
    }

    it(`${path} --… is told what option it is, perhaps`, async () => {
      for (const name of options) {
        const { code, stdout, stderr } = await run(`${path} ${misspelt(name)}`);
        assert.deepEqual([code, stdout], [64, ''], name);
        assert.match(stderr, /^error: unknown option '/);
        assert.match(stderr, new RegExp(`Did you mean (one of )?.*${name}\\b.*\\?\\)`), `${path} ${name}`);
      }
    });
  }

  /** The last two letters the wrong way round, or one too many where that is the same. */
  function misspelt(name: string): string {
    return name.at(-1) === name.at(-2) ? `${name}x` : `${name.slice(0, -2)}${name.at(-1)}${name.at(-2)}`;
  }
});

describe('global options', () => {
  it('mean the same before and after the command', async () => {
    const before = await run('-o json version');
    assert.equal((JSON.parse(before.stdout) as { version: string }).version, '1.2.3');
    for (const line of [
      'version -o json',
      'version --output json',
      '--output=json version',
      'version -ojson',
    ]) {
      assert.deepEqual(await run(line), before, line);
    }
  });

  it('mean the same before, between and after the words of a nested command', async () => {
    const id = '0198c0de-7a1b-7cc0-8000-0242ac120002';
    for (const line of [
      `--socket /no/s job show ${id}`,
      `job --socket /no/s show ${id}`,
      `job show ${id} --socket /no/s`,
    ]) {
      const { code, stderr } = await run(line);
      assert.equal(code, 3, line);
      assert.match(stderr, /there is no \/no\/s;/);
    }
  });

  it('come from the environment where no flag says otherwise', async () => {
    const env = { FORKLOOP_OUTPUT: 'json' };
    await withEnvironment(env, async () => {
      assert.match((await run('version', env)).stdout, /^\{/);
      assert.match((await run('version -o table', env)).stdout, /^forkloop/);
    });
  });

  it('of the environment that are wrong are refused', async () => {
    await withEnvironment({ FORKLOOP_OUTPUT: 'xml' }, async () => {
      const { code, stderr } = await run('version');
      assert.equal(code, 64);
      assert.match(stderr, /FORKLOOP_OUTPUT/);
    });
  });

  it('--verbose tells the code of an error, --quiet no more than the error', async () => {
    const { stderr: verbose } = await run('status --socket /no/s -v');
    assert.match(verbose, /ERR_NOT_RUNNING/);
    const { stderr: quiet } = await run('status --socket /no/s', { FORKLOOP_QUIET: '1' });
    assert.equal(quiet.split('\n').length, 2);
  });
});

describe('commands without a daemon', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    const define = pathToFileURL(join(import.meta.dirname, '../../../src/task/define.ts')).href;
    await writeFile(
      join(folder, 'task.mjs'),
      `import { defineTask } from '${define}';\nexport const t = defineTask('t', { run: () => 1 });\n`,
    );
    await writeFile(
      join(folder, 'good.yaml'),
      'version: 1\ntasks: [task.mjs]\npools: { io: { kind: async, queues: [default] } }\ncontrol: { directory: run }\n',
    );
    await writeFile(
      join(folder, 'bad.yaml'),
      'version: 1\ntasks: [task.mjs]\npools: { io: { kind: asyncc, queues: [a] } }\n',
    );
  });
  after(() => rm(folder, { recursive: true }));

  it('check tells a good configuration in a line', async () => {
    const { code, stdout, stderr } = await run('check -c good.yaml', {}, folder);
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout, 'good.yaml: good: 1 pool, 1 queue, 1 task module, embedded broker\n');
  });

  it('check warns of a task that no pool serves, with the place', async () => {
    const text = await readFile(join(folder, 'good.yaml'), 'utf8');
    await writeFile(join(folder, 'unserved.yaml'), text.replace('queues: [default]', 'queues: [a]'));
    const { code, stdout, stderr } = await run('check -c unserved.yaml', {}, folder);
    assert.deepEqual([code, stdout.split(':')[1]], [0, ' good']);
    assert.match(stderr, /unserved\.yaml:3:1: warning: pools: t: no pool serves the queue "default"/);
  });

  it('check tells the faults of a bad one on stderr, with exit code 78', async () => {
    const { code, stdout, stderr } = await run('check -c bad.yaml', {}, folder);
    assert.deepEqual([code, stdout], [78, '']);
    assert.match(stderr, /bad\.yaml:3:\d+: error: pools\.io\.kind: .*did you mean/);
  });

  it('check tells them as data on stdout when asked for', async () => {
    const { code, stdout, stderr } = await run('check -c bad.yaml -o json', {}, folder);
    assert.deepEqual([code, stderr], [78, '']);
    const report = JSON.parse(stdout) as { ok: boolean; problems: { path: string; line: number }[] };
    assert.deepEqual(
      [report.ok, report.problems[0]?.path, report.problems[0]?.line],
      [false, 'pools.io.kind', 3],
    );
    const good = JSON.parse((await run('check -c good.yaml -o json', {}, folder)).stdout) as {
      ok: boolean;
      path: string;
    };
    assert.deepEqual([good.ok, good.path], [true, join(folder, 'good.yaml')]);
  });

  for (const command of [
    'start',
    'stop',
    'status',
    'check',
    'enqueue t',
    'job list',
    'task list',
    'task show t',
    'config show',
  ]) {
    it(`${command} with a bad configuration ends with 78 and the report`, async () => {
      const { code, stdout, stderr } = await run(`${command} -c bad.yaml`, {}, folder);
      assert.deepEqual([code, stdout], [78, '']);
      assert.match(stderr, /error: pools\.io\.kind/);
    });

    it(`${command} without any configuration ends with 78 and tells where it looked`, async () => {
      const { code, stderr } = await run(`${command}`, {}, folder);
      assert.equal(code, 78);
      assert.match(stderr, /config\/supervisor\.yaml/);
    });
  }

  for (const command of ['stop', 'status', 'job list', 'job show 0198c0de-7a1b-7cc0-8000-0242ac120002']) {
    it(`${command} ends with 3 when no daemon runs, and names the socket of its configuration`, async () => {
      const { code, stdout, stderr } = await run(`${command} -c good.yaml`, {}, folder);
      assert.deepEqual([code, stdout], [3, '']);
      assert.ok(stderr.includes(join(folder, 'run/control.sock')), stderr);
    });
  }
});

/** commander reads the variables of the process itself. */
async function withEnvironment(env: Record<string, string>, body: () => Promise<void>): Promise<void> {
  Object.assign(process.env, env);
  try {
    await body();
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
  }
}
