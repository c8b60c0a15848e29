import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { StatusReport } from '../../src/control/messages/daemon.ts';
import type { JobsReport, StoredJobReport } from '../../src/control/messages/jobs.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { sharedDaemon } from '../support/shared-daemon.ts';
import { until } from '../support/until.ts';
import {
  cleanEnvironment,
  type Daemon,
  PROGRAM,
  ROOT,
  runSupervisor,
  withSupervisor,
} from '../support/with-supervisor.ts';

const fixture = (name: string) => join(ROOT, 'test/fixtures/tasks', name);

const config = {
  name: 'cli-test',
  tasks: [join(ROOT, 'test/fixtures/compiled/tasks.mjs')],
  pools: {
    cpu: { kind: 'process', workers: 1, queues: ['cpu', 'other'] },
    io: { kind: 'async', concurrency: 20, queues: ['default'] },
    parked: { kind: 'process', workers: 1, queues: ['parked'] },
  },
  defaults: { retry: { attempts: 2, initial: '10ms', jitter: '0%' } },
  shutdown: { drain_timeout: '10s', cold_grace: '200ms' },
};

interface Line {
  id: string;
  status: string;
  result?: unknown;
  error?: { name: string; message: string };
}

const parsed = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What every broker must answer. */
function readsAndEnqueues(daemon: () => Daemon): void {
  const cli = (...words: string[]) => daemon().cli(...words);
  const job = async (id: string) =>
    JSON.parse((await cli('job', 'show', id, '-o', 'json')).stdout) as StoredJobReport;

  it('status tells daemon, pools, workers and queues as JSON', async () => {
    const { code, stdout, stderr } = await cli('status', '-o', 'json');
    assert.deepEqual([code, stderr], [0, '']);
    const report = JSON.parse(stdout) as StatusReport;
    assert.equal(report.schema, 'forkloop.status/1');
    assert.equal(report.pid, daemon().pid);
    assert.equal(report.name, 'cli-test');
    assert.equal(report.state, 'running');
    assert.equal(report.broker.up, true);
    assert.deepEqual(report.config, { path: daemon().configPath, generation: 1, last_reload: null });
    assert.ok(Math.abs(Date.parse(report.started_at) - Date.now()) < 600_000);
    assert.deepEqual(
      report.pools.map(({ name, kind, host, concurrency, queues }) => ({
        name,
        kind,
        host,
        concurrency,
        queues,
      })),
      [
        { name: 'cpu', kind: 'process', host: 'cluster', concurrency: 1, queues: ['cpu', 'other'] },
        { name: 'io', kind: 'async', host: 'thread', concurrency: 20, queues: ['default'] },
        { name: 'parked', kind: 'process', host: 'cluster', concurrency: 1, queues: ['parked'] },
      ],
    );
    for (const { workers } of report.pools) {
      assert.equal(workers.length, 1);
      const [worker] = workers;
      assert.deepEqual([worker?.slot, worker?.restarts], [0, 0]);
      assert.ok((worker?.rss_bytes ?? 0) > 1024 ** 2);
      assert.ok((worker?.pid ?? 0) > 1);
    }
    assert.deepEqual(
      report.queues.map(({ name, pool }) => [name, pool]),
      [
        ['cpu', 'cpu'],
        ['other', 'cpu'],
        ['default', 'io'],
        ['parked', 'parked'],
      ],
    );
    for (const queue of report.queues) {
      assert.deepEqual(Object.keys(queue), [
        'name',
        'pool',
        'ready',
        'delayed',
        'in_flight',
        'dead',
        'oldest_ready_seconds',
        'paused',
        'paused_since',
      ]);
    }
  });

  it('status is the same report as YAML and as a line of JSON, and a table within 80 columns', async () => {
    const yaml = parse((await cli('status', '-o', 'yaml')).stdout) as StatusReport;
    assert.equal(yaml.schema, 'forkloop.status/1');
    const lines = (await cli('-o', 'ndjson', 'status')).stdout.split('\n');
    assert.equal((JSON.parse(lines[0] ?? '') as StatusReport).pid, daemon().pid);
    assert.equal(lines.length, 2);
    const table = (await cli('status')).stdout;
    assert.match(table, /^POOL +KIND +STATE +BUSY +WORKERS +QUEUES$/m);
    assert.match(table, /^cpu +process +ok +0\/1 +1\/1 +cpu other$/m);
  });

  it('enqueue hands its options over to the job', async () => {
    const options = [
      '--queue',
      'other',
      '--delay',
      '1h',
      '--priority',
      '2',
      '--unique',
      'k1',
      '--expires',
      '2h',
    ];
    const { stdout } = await cli('enqueue', 'echo', '{"a":[1]}', ...options);
    const id = stdout.trim();
    const found = await job(id);
    assert.deepEqual(
      [found.id, found.task, found.queue, found.state, found.priority, found.unique, found.attempt],
      [id, 'echo', 'other', 'delayed', 2, 'k1', 1],
    );
    const created = Date.parse(found.created_at ?? '');
    assert.ok(Math.abs(created - Date.now()) < 60_000);
    assert.ok(Math.abs(Date.parse(found.due_at ?? '') - created - 3_600_000) < 10_000);
    assert.ok(Math.abs(Date.parse(found.expires_at ?? '') - created - 7_200_000) < 10_000);
    const again = await cli('enqueue', 'echo', '2', '--queue', 'other', '--unique', 'k1');
    assert.equal(again.stdout.trim(), id);
    assert.match(again.stderr, /held by a living job/);
  });

  it('job show tells the input only when asked', async () => {
    const id = (await cli('enqueue', 'echo', '{"secret":1}', '--delay', '1h')).stdout.trim();
    assert.equal('input' in (await job(id)), false);
    const { stdout } = await cli('job', 'show', id, '--input', '-o', 'json');
    assert.deepEqual((JSON.parse(stdout) as StoredJobReport).input, { secret: 1 });
    assert.match(
      (await cli('job', 'show', id)).stdout,
      new RegExp(`^job +${id}\nstate +delayed\ntask +echo\n`),
    );
  });

  it('job show tells a dead job with its error, and an ended one by its kept result', async () => {
    const dead = parsed((await cli('enqueue', 'steer', '"dead"', '--wait')).stdout)[0]?.id ?? '';
    const found = await job(dead);
    assert.deepEqual([found.state, found.error?.message], ['dead', 'never again']);
    assert.ok(found.died_at !== null);
    const done = parsed((await cli('enqueue', 'echo', '[7]', '--wait')).stdout)[0]?.id ?? '';
    const { stdout } = await cli('job', 'show', done, '-o', 'json');
    const { state, result } = JSON.parse(stdout) as { state: string; result: unknown };
    assert.deepEqual([state, result], ['completed', [7]]);
  });

  it('job show of a job that is not there ends with 1', async () => {
    const { code, stdout, stderr } = await cli('job', 'show', '0198c0de-7a1b-7cc0-8000-0242ac120002');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /no job 0198c0de/);
  });

  it('job list tells the jobs of every state, by queue and up to a limit', async () => {
    const blocker = await cli('enqueue', 'wait-for-abort', '{"ms":60000}', '--queue', 'parked');
    await until(async () =>
      (await daemon().status()).pools.some(({ name, busy }) => name === 'parked' && busy === 1),
    );
    await each(daemon(), '1\n2\n3\n', 'noop', '--queue', 'parked');
    await cli('enqueue', 'noop', '--delay', '1h');
    const [ready, running, delayed, dead] = await Promise.all([
      jobs('--state', 'ready', '--queue', 'parked'),
      jobs('--state', 'in_flight', '--queue', 'parked'),
      jobs('--state', 'delayed'),
      jobs('--state', 'dead'),
    ]);
    assert.equal(ready.length, 3);
    assert.deepEqual(
      running.map(({ id, task, state }) => [id, task, state]),
      [[blocker.stdout.trim(), 'wait-for-abort', 'in_flight']],
    );
    assert.ok(delayed.length >= 1 && delayed.every(({ state }) => state === 'delayed'));
    assert.ok(dead.every(({ state }) => state === 'dead'));
    const [limited, lines, table, empty, unknown] = await Promise.all([
      cli('job', 'list', '--queue', 'parked', '--limit', '2', '-o', 'json'),
      cli('job', 'list', '--queue', 'parked', '-o', 'ndjson'),
      cli('job', 'list', '--queue', 'parked'),
      cli('job', 'list', '--state', 'delayed', '--queue', 'parked'),
      cli('job', 'list', '--queue', 'nope'),
    ]);
    const report = JSON.parse(limited.stdout) as JobsReport;
    assert.deepEqual([report.jobs.length, report.more], [2, true]);
    assert.equal(parsed(lines.stdout).length, 4);
    assert.match(table.stdout, /^ID +TASK +STATE +AGE +TRY +NOTE\n/);
    assert.deepEqual([empty.code, empty.stdout, empty.stderr], [0, '', 'no such jobs\n']);
    assert.equal(unknown.code, 1);
  });

  async function jobs(...words: string[]): Promise<readonly StoredJobReport[]> {
    const { stdout } = await cli('job', 'list', ...words, '-o', 'json');
    return (JSON.parse(stdout) as { jobs: StoredJobReport[] }).jobs;
  }
}

/** The words of `enqueue`; what they do to a job is the same on every broker. */
function enqueuesOne(daemon: () => Daemon): void {
  const cli = (...words: string[]) => daemon().cli(...words);

  it('enqueue prints the id, or a report of it', async () => {
    const { code, stdout, stderr } = await cli('enqueue', 'noop');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout.trim(), UUID);
    const report = JSON.parse((await cli('enqueue', 'noop', '-o', 'json')).stdout) as Record<string, unknown>;
    assert.match(String(report['id']), UUID);
    assert.deepEqual(
      { ...report, id: '' },
      { schema: 'forkloop.enqueued/1', id: '', queue: 'default', existing: false },
    );
  });

  const input = { text: 'zażółć "日本" \u2028', list: [1, null, { deep: true }] };
  for (const [name, words, piped, result] of [
    ['on the command line', [JSON.stringify(input)], '', input],
    ['of a file', ['@input.json'], '', input],
    ['from standard input', ['-'], JSON.stringify(input, null, 2), input],
    ['that is left out, as null', [], '', null],
    ['that is a negative number', ['-7'], '', -7],
  ] as const) {
    it(`enqueue --wait takes an input ${name} and prints how the job ended`, async () => {
      await writeFile(join(daemon().folder, 'input.json'), JSON.stringify(input));
      const { code, stdout, stderr } = await daemon().run(['enqueue', 'echo', '--wait', ...words], {
        input: piped,
      });
      assert.deepEqual([code, stderr], [0, '']);
      const [line] = parsed(stdout);
      assert.match(line?.id ?? '', UUID);
      assert.deepEqual(line, { id: line?.id, status: 'completed', result });
    });
  }

  it('enqueue --wait ends with 5 when the job is dead, and prints its error', async () => {
    const { code, stdout } = await cli('enqueue', 'steer', '"throw"', '--wait');
    const [line] = parsed(stdout);
    assert.deepEqual(
      [code, line?.status, line?.error],
      [5, 'dead', { name: 'TypeError', message: 'broken', code: 'E_BROKEN' }],
    );
  });

  it('enqueue --wait ends with 5 when the job expired before it could start', async () => {
    const blocked = await cli('enqueue', 'ignore-abort', '{"ms":700}', '--queue', 'cpu');
    assert.equal(blocked.code, 0);
    const { code, stdout } = await cli('enqueue', 'noop', '--queue', 'cpu', '--expires', '1ms', '--wait');
    assert.deepEqual([code, parsed(stdout)[0]?.status], [5, 'expired']);
  });

  it('enqueue --wait ends with 6 when the job has not ended within --timeout; the job goes on', async () => {
    const { code, stdout, stderr } = await cli(
      'enqueue',
      'echo',
      '1',
      '--delay',
      '1s',
      '--wait',
      '--timeout',
      '100ms',
    );
    const [line] = parsed(stdout);
    assert.deepEqual([code, line?.status], [6, 'pending']);
    assert.match(stderr, /has not ended within --timeout; it goes on/);
    const id = line?.id ?? '';
    await until(async () => (await cli('job', 'show', id, '-o', 'json')).stdout.includes('"completed"'));
  });

  for (const [name, words, code, message] of [
    ['a task that does not exist', ['ecco', '1'], 1, /no task is named "ecco", did you mean "echo"\?/],
    ['an input that is no JSON', ['echo', '{a:1}'], 1, /^error: input: not JSON: /],
    [
      'an input that the task refuses',
      ['checked', '{}'],
      1,
      /input of checked: people\.2\.name: must be a string/,
    ],
    ['a queue that nobody serves', ['echo', '1', '--queue', 'nope'], 1, /"nope", which no pool serves/],
    [
      'a unique key that is too long',
      ['echo', '1', '--unique', 'k'.repeat(1_000)],
      64,
      /unique key: 1000 characters/,
    ],
  ] as const) {
    it(`enqueue refuses ${name} with ${code}`, async () => {
      const { code: got, stdout, stderr } = await cli('enqueue', ...words);
      assert.deepEqual([got, stdout], [code, '']);
      assert.match(stderr, message);
    });
  }
}

const each = (daemon: Daemon, lines: string, ...words: string[]) =>
  daemon.run(['enqueue', ...words, '--each', '-'], { input: lines });
const numbered = (count: number) => Array.from({ length: count }, (_, at) => at);
const ndjson = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');

/** The way of many jobs, through every broker. */
function enqueuesInOrder(daemon: () => Daemon): void {
  it('enqueue --each --wait prints one line per line of input, in its order', async () => {
    const values = numbered(1_000).map((n) => ({ n, pad: 'x'.repeat(n % 300) }));
    const { code, stdout, stderr } = await each(daemon(), ndjson(values), 'echo', '--wait');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^1,000 jobs enqueued and waited for in /);
    const lines = parsed(stdout);
    assert.deepEqual(
      lines.map(({ status, result }) => ({ status, result })),
      values.map((result) => ({ status: 'completed', result })),
    );
    assert.equal(new Set(lines.map(({ id }) => id)).size, 1_000);
  });

  it('enqueue --each --wait takes lines of hundreds of kilobytes', async () => {
    const values = numbered(40).map((n) => ({ n, pad: String(n % 10).repeat(300 * 1024) }));
    const { code, stdout } = await each(daemon(), ndjson(values), 'echo', '--wait');
    assert.equal(code, 0);
    assert.deepEqual(
      parsed(stdout).map(({ result }) => result),
      values,
    );
  });
}

function enqueuesEach(daemon: () => Daemon): void {
  it('enqueue --each --wait ends with 5 when any job is not completed, and still prints all', async () => {
    const kinds = ['"throw"', '"dead"', '"value"'];
    const lines = numbered(30).map((n) => (n % 10 === 3 ? kinds[n % 3] : '"none"'));
    const { code, stdout, stderr } = await each(
      daemon(),
      `${lines.join('\n')}\n`,
      'steer',
      '--wait',
      '--attempts',
      '1',
    );
    const statuses = parsed(stdout).map(({ status }) => status);
    assert.deepEqual([code, statuses], [5, numbered(30).map(() => 'dead')]);
    assert.match(stderr, /30 jobs enqueued and waited for, 30 not completed/);
  });

  it('enqueue --each without --wait prints one id per line', async () => {
    const { code, stdout } = await each(daemon(), '1\n\n2\r\n3', 'echo');
    const ids = stdout.trim().split('\n');
    assert.deepEqual([code, ids.length], [0, 3]);
    for (const id of ids) assert.match(id, UUID);
    const json = JSON.parse((await each(daemon(), '1\n2\n', 'echo', '-o', 'json')).stdout) as {
      id: string;
    }[];
    assert.equal(json.length, 2);
    assert.deepEqual(JSON.parse((await each(daemon(), '', 'echo', '-o', 'json')).stdout), []);
  });

  it('enqueue --each ends at a bad line: those before it are enqueued, none after it is, and it is named', async () => {
    for (const [line, message] of [
      ['{"name":', /^error: standard input:4: the line: not JSON/m],
      ['{"name":5}', /^error: standard input:4: input of checked: people\.2\.name/m],
    ] as const) {
      const { code, stdout, stderr } = await each(
        daemon(),
        `{"name":"a"}\n\n{"name":"b"}\n${line}\n{"name":"c"}\n`,
        'checked',
        '--wait',
      );
      assert.equal(code, 1);
      assert.deepEqual(
        parsed(stdout).map(({ result }) => result),
        ['A', 'B'],
      );
      assert.match(stderr, message);
      assert.match(stderr, /the 2 before it are enqueued, nothing after it\)/);
    }
  });

  it('enqueue --each reads a file and names it in errors', async () => {
    await writeFile(join(daemon().folder, 'lines.ndjson'), '1\n2\nthree\n');
    const { code, stderr } = await daemon().cli('enqueue', 'echo', '--each', '@lines.ndjson');
    assert.equal(code, 1);
    assert.match(stderr, /lines\.ndjson:3: /);
  });

  it('enqueue --each --wait ends with 6 at --timeout and prints what has not ended as pending', async () => {
    const lines = '{"ms":1}\n{"ms":60000}\n{"ms":1}\n';
    const { code, stdout, stderr } = await each(
      daemon(),
      lines,
      'wait-for-abort',
      '--wait',
      '--timeout',
      '2s',
    );
    assert.deepEqual(
      [code, parsed(stdout).map(({ status }) => status)],
      [6, ['completed', 'pending', 'completed']],
    );
    assert.match(stderr, /1 job had not ended at --timeout/);
  });

  it('enqueue --each answers a line before the next one has come', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'enqueue', 'echo', '--each', '-', '--wait', '-q'], {
      env: cleanEnvironment({ FORKLOOP_CONFIG: daemon().configPath }),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    for (const n of [1, 2]) {
      child.stdin.write(`${n}\n`);
      await until(() => parsed(printed.slice(0, printed.lastIndexOf('\n') + 1)).length === n);
    }
    child.stdin.end();
    assert.equal(await ended, 0);
  });
}

describe('bin/supervisor with the embedded broker', function () {
  this.timeout(60_000);
  const shared = sharedDaemon(async () => config);
  before(shared.start);
  after(shared.end);
  readsAndEnqueues(shared.daemon);
  enqueuesOne(shared.daemon);
  enqueuesInOrder(shared.daemon);
  enqueuesEach(shared.daemon);

  it('enqueue --each ends at --timeout while the store does not answer, and tells what it does not know', async () => {
    const daemon = shared.daemon();
    daemon.kill('SIGSTOP');
    try {
      const began = performance.now();
      const { code, stdout, stderr } = await each(daemon, '1\n2\n', 'echo', '--timeout', '300ms');
      assert.deepEqual([code, stdout], [6, '']);
      assert.match(stderr, /at --timeout 2 lines are perhaps enqueued/);
      // The store itself is waited for ten times as long.
      assert(performance.now() - began < 4_500);
    } finally {
      daemon.kill('SIGCONT');
    }
  });

  it('ends quietly when the reader of its output goes away', async () => {
    const { code, stderr } = await new Promise<{ code: number | null; stderr: string }>((resolve) => {
      const child = spawn(process.execPath, [PROGRAM, 'status', '-w', '-o', 'json'], {
        env: cleanEnvironment({ FORKLOOP_CONFIG: shared.daemon().configPath }),
      });
      let text = '';
      child.stderr.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      child.stdout.once('data', () => child.stdout.destroy());
      child.once('close', (ended) => resolve({ code: ended, stderr: text }));
    });
    assert.deepEqual([code, stderr], [141, '']);
  });

  it('ends with 4 when the daemon does not answer within --timeout', async () => {
    const daemon = shared.daemon();
    process.kill(daemon.pid, 'SIGSTOP');
    try {
      const { code, stdout, stderr } = await daemon.cli('status', '--timeout', '300ms');
      assert.deepEqual([code, stdout], [4, '']);
      assert.match(stderr, /no answer within 300 ms/);
    } finally {
      process.kill(daemon.pid, 'SIGCONT');
    }
    assert.equal((await daemon.cli('status')).code, 0);
  });

  it('start ends with 75 where a daemon runs already, and harms it not', async () => {
    const daemon = shared.daemon();
    const { code, stderr } = await daemon.cli('start');
    assert.equal(code, 75, stderr);
    assert.equal((await daemon.status()).pid, daemon.pid);
  });
});

describeRedis('bin/supervisor with Redis', function (this: Mocha.Suite | undefined) {
  let redis: RedisServer | undefined;
  const shared = sharedDaemon(async () => {
    redis = await startRedis();
    return { ...config, broker: { type: 'redis', url: redis.url } };
  });
  before(shared.start);
  after(async () => {
    await shared.end();
    await redis?.stop();
  });
  readsAndEnqueues(shared.daemon);
  enqueuesInOrder(shared.daemon);

  it('reads on, but enqueues nothing, while the broker is away, and ends with 69', async () => {
    await redis?.kill();
    const enqueue = await shared.daemon().cli('enqueue', 'echo', '1');
    assert.deepEqual([enqueue.code, enqueue.stdout], [69, '']);
    const status = await shared.daemon().cli('status', '-o', 'json');
    assert.equal(status.code, 0);
    assert.equal((JSON.parse(status.stdout) as StatusReport).broker.up, false);
    await redis?.restart();
  });
});

describe('bin/supervisor stop', function () {
  this.timeout(60_000);

  it('ends the daemon and tells how long it took; then nobody answers', async () => {
    await withSupervisor(config, async (daemon) => {
      const { pid } = daemon;
      const { code, stdout, stderr } = await daemon.cli('stop');
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, new RegExp(`^stopped process ${pid} in [\\d.]+m?s\n$`));
      assert.deepEqual(await daemon.exited, { code: 0, signal: null });
      const commands = [['stop'], ['status'], ['job', 'list'], ['enqueue', 'echo', '1']];
      const ran = await Promise.all(commands.map((words) => daemon.cli(...words)));
      for (const { code: ended, stdout: printed, stderr: why } of ran)
        assert.deepEqual([ended, printed], [3, ''], why);
      await daemon.start();
      const report = JSON.parse((await daemon.cli('stop', '-o', 'json')).stdout) as {
        schema: string;
        pid: number;
      };
      assert.deepEqual([report.schema, report.pid], ['forkloop.stopped/1', daemon.pid]);
    });
  });

  it('lets running jobs finish, and with --now cuts them short without loss', async () => {
    await withSupervisor(config, async (daemon) => {
      const running = async () => (await daemon.status()).pools[0]?.busy;
      await daemon.cli('enqueue', 'ignore-abort', '{"ms":5000}', '--queue', 'cpu');
      await until(async () => (await running()) === 1);
      const late = await daemon.cli('stop', '--timeout', '100ms');
      assert.equal(late.code, 6, late.stdout);
      assert.match(late.stderr, /has not ended within 100ms/);
      assert.deepEqual(await daemon.exited, { code: 0, signal: null });
      assert.doesNotMatch(daemon.log(), /interrupted/);

      await daemon.start();
      const id = (
        await daemon.cli('enqueue', 'wait-for-abort', '{"ms":60000}', '--queue', 'cpu')
      ).stdout.trim();
      await until(async () => (await running()) === 1);
      const now = await daemon.cli('stop', '--now');
      assert.equal(now.code, 0, now.stderr);
      await daemon.start();
      const { stdout } = await daemon.cli('job', 'show', id, '-o', 'json');
      assert.deepEqual((JSON.parse(stdout) as StoredJobReport).attempt, 1);
    });
  });
});

describe('bin/supervisor', function () {
  this.timeout(60_000);
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('starts fast: help, version and status load no library of log, brokers or configuration', async () => {
    for (const [words, code] of [
      [['--help'], 0],
      [['version'], 0],
      [['status', '--socket', '/none.sock'], 3],
      [['enqueue', '--help'], 0],
    ] as const) {
      const coverage = join(folder, 'coverage');
      const ran = await runSupervisor(words, { env: { NODE_V8_COVERAGE: coverage } });
      assert.equal(ran.code, code, ran.stderr);
      const loaded = await loadedPackages(coverage);
      await rm(coverage, { recursive: true });
      assert.deepEqual(loaded, new Set(['commander', 'picocolors']), words.join(' '));
    }
  });

  it('does not call it a success when its output cannot be written', async () => {
    const full = openSync('/dev/full', 'w');
    const child = spawn(process.execPath, [PROGRAM, 'version'], { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.equal(code, 1);
    assert.match(stderr, /^error: the output cannot be written: ENOSPC/);
  });

  it('prints only its data to stdout, whatever the task modules print while they load', async () => {
    await writeFile(
      join(folder, 'talkative.mjs'),
      `import { defineTask } from ${JSON.stringify(join(ROOT, 'dist/index.js'))};\n` +
        `console.log('hello');\nexport const echo = defineTask('echo', { run: (input) => input });\n`,
    );
    const talkative = { ...config, tasks: [join(folder, 'talkative.mjs')] };
    await withSupervisor(talkative, async (daemon) => {
      const { code, stdout, stderr } = await daemon.cli('enqueue', 'echo', '1', '--wait');
      assert.deepEqual([code, parsed(stdout)[0]?.result], [0, 1], stderr);
      assert.equal(stderr, 'hello\n');
      const checked = await daemon.cli('check', '-o', 'json');
      assert.deepEqual([checked.code, JSON.parse(checked.stdout).ok], [0, true]);
      assert.match(checked.stderr, /^hello$/m);
    });
  });

  it('status by a configuration loads no library of log or brokers', async () => {
    const coverage = join(folder, 'coverage');
    await writeFile(
      join(folder, 'supervisor.yaml'),
      `version: 1\ntasks: [${fixture('echo.ts')}]\npools: { io: { kind: async, queues: [a] } }\ncontrol: { directory: . }\n`,
    );
    await runSupervisor(['status', '-c', 'supervisor.yaml'], {
      cwd: folder,
      env: { NODE_V8_COVERAGE: coverage },
    });
    const loaded = await loadedPackages(coverage);
    for (const name of ['winston', 'redis', '@redis', 'libsql', 'pidusage'])
      assert.equal(loaded.has(name), false, name);
  });

  it('start ends with 70 when a required pool does not get ready, and names the cause', async () => {
    await writeFile(
      join(folder, 'broken.yaml'),
      `version: 1\ntasks: [${fixture('crash-on-start.ts')}]\nbroker: { type: embedded, path: jobs.db }\n` +
        'pools: { cpu: { kind: process, workers: 1, queues: [a], ready_timeout: 15s } }\ncontrol: { directory: . }\n',
    );
    const { code, stderr } = await runSupervisor(['start', '-c', 'broken.yaml'], { cwd: folder });
    assert.equal(code, 70, stderr);
    assert.match(stderr, /cannot find my settings/);
    assert.doesNotMatch(stderr, /fault of forkloop/);
  });

  it('shows a banner on a terminal: what runs, what to try next, how to stop it', async function () {
    if (spawnSync('script', ['--version']).status !== 0) {
      console.log('      skipped: script (util-linux) is not installed');
      return this.skip();
    }
    await withSupervisor(config, async (daemon) => {
      await daemon.stop();
      // `exec`: some shells would wait for the daemon, and report the Ctrl-C as their own end.
      const command = `exec ${process.execPath} ${PROGRAM} start -c ${daemon.configPath}`;
      const terminal = spawn('script', ['-qfec', command, '/dev/null'], {
        stdio: ['pipe', 'pipe', 'inherit'],
        cwd: ROOT,
      });
      let screen = '';
      terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
        screen += text;
      });
      const ended = new Promise<number | null>((resolve) => terminal.once('close', resolve));
      await until(() => screen.includes('again stops now')).finally(() => terminal.stdin.write('\x03'));
      assert.equal(await ended, 0);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: takes the colours away
      const plain = screen.replace(/\x1b\[\d+m/g, '').replaceAll('\r', '');
      assert.match(plain, /^forkloop \S+ {2}cli-test {2}pid \d+ {2}\S*supervisor\.yaml$/m);
      assert.match(plain, /^broker {2}embedded {2}\S*jobs\.db$/m);
      assert.match(plain, /^cpu {5}process {2}1 worker +cpu other$/m);
      assert.match(plain, /^io {6}async {4}20 slots +thread +default$/m);
      assert.match(plain, /^tasks .*echo.* steer/m);
      assert.match(plain, /^try +bin\/supervisor -c \S+ enqueue TASK JSON --wait$/m);
    });
  });
});

/** Packages of node_modules of which a run loaded a module. */
async function loadedPackages(coverage: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const file of await readdir(coverage)) {
    const { result } = JSON.parse(await readFile(join(coverage, file), 'utf8')) as {
      result: { url: string }[];
    };
    for (const { url } of result) for (const name of await packagesIn(url)) found.add(name);
  }
  return found;
}

/** The package that a module is of, or those that are bundled in it: the build writes down which. */
async function packagesIn(url: string): Promise<string[]> {
  const name = /\bnode_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (name !== undefined) return [name];
  const [, bundle, file] = /^(.*\/dist\/bundle\/)(.*)$/.exec(url) ?? [];
  if (bundle === undefined || file === undefined) return [];
  const bundled = JSON.parse(await readFile(new URL('packages.json', bundle), 'utf8')) as Record<
    string,
    string[]
  >;
  return bundled[file] ?? [];
}
