/** What people and programs get wrong: each ends with a code and a message that names the place and the way out. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeRedis, freePort, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import {
  cleanEnvironment,
  PROGRAM,
  type Ran,
  ROOT,
  runSupervisor,
  withSupervisor,
} from '../support/with-supervisor.ts';

const fixture = (name: string) => join(ROOT, 'test/fixtures/tasks', name);

describe('bad input', function () {
  this.timeout(60_000);
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const run = (...words: string[]): Promise<Ran> =>
    runSupervisor([...words, '-c', 's.yaml'], { cwd: folder });
  const write = (text: string) => writeFile(join(folder, 's.yaml'), text);
  const daemonYaml = ({
    task = 'echo.ts',
    pool = 'kind: async',
    broker = 'type: embedded, path: jobs.db',
  } = {}) =>
    `version: 1\ntasks: [${fixture(task)}]\nbroker: { ${broker} }\n` +
    `pools: { io: { ${pool}, queues: [default] } }\ncontrol: { directory: . }\n`;

  describe('in the configuration ends start and check with 78 and the place', () => {
    const LEAST = `version: 1\ntasks: [${fixture('echo.ts')}]\n`;
    const POOL = 'pools: { io: { kind: async, queues: [a] } }\n';
    const aliases = `a: &a [x, x]\n${Array.from({ length: 20 }, (_, n) => `b${n}: &b${n} [*a, *a, *a]`).join('\n')}\n`;
    for (const [name, text, message] of [
      [
        'a queue without a pool',
        `${LEAST}${POOL}queues: { b: {} }\n`,
        /s\.yaml:4:11: error: queues\.b: no pool serves "b": add it to the queues of a pool/,
      ],
      [
        'a queue in two pools',
        `${LEAST}pools:\n  io: { kind: async, queues: [a] }\n  cpu: { kind: process, queues: [a] }\n`,
        /s\.yaml:5:34: error: pools\.cpu\.queues\[0\]: "a" already belongs to pool io: a queue has one pool/,
      ],
      ['YAML that is malformed', `${LEAST}pools: { io: [\n`, /s\.yaml:\d+:\d+: error: /],
      [
        'YAML that is huge',
        `${LEAST}# ${'x'.repeat(300 * 1024)}\n`,
        /s\.yaml: error: the file is larger than 256 KiB/,
      ],
      [
        'YAML that is deep',
        `${LEAST}pools: ${'['.repeat(40)}\n`,
        /s\.yaml:3:\d+: error: more than 32 brackets inside each other/,
      ],
      ['YAML full of aliases', `${LEAST}${aliases}`, /s\.yaml: error: its aliases .* write them out/],
      [
        'a schedule that never fires',
        `${LEAST}${POOL}schedules:\n  s: { task: echo, queue: a, cron: "0 0 30 2 *", timezone: Europe/Paris }\n`,
        /s\.yaml:5:36: error: schedules\.s\.cron: never fires: there is no such day/,
      ],
    ] as const) {
      it(name, async () => {
        await write(text);
        for (const command of ['check', 'start']) {
          const { code, stdout, stderr } = await run(command);
          assert.deepEqual([code, stdout], [78, ''], stderr);
          assert.match(stderr, message);
        }
      });
    }
  });

  it('a task that is unknown, an input that it refuses and one that is too large are not stored', async () => {
    const config = {
      tasks: [fixture('checked-input.ts')],
      pools: { io: { kind: 'async', queues: ['default'] } },
      defaults: { max_payload: '2KiB' },
    };
    await withSupervisor(config, async (daemon) => {
      const large = JSON.stringify({ name: 'x'.repeat(3_000) });
      for (const [words, message] of [
        [['chequed', '1'], /^error: no task is named "chequed", did you mean "checked"\?/],
        [['checked', '{"name":1}'], /^error: input of checked: people\.2\.name: must be a string/],
        [['checked', large], /^error: .*checked.* 3\d{3} bytes.*2048/],
      ] as const) {
        const { code, stdout, stderr } = await daemon.cli('enqueue', ...words);
        assert.deepEqual([code, stdout], [1, ''], stderr);
        assert.match(stderr, message);
      }
      const [queue] = (await daemon.status()).queues;
      assert.deepEqual([queue?.ready, queue?.in_flight, queue?.delayed, queue?.dead], [0, 0, 0, 0]);
    });
  });

  for (const [name, task, pool, message] of [
    ['throws on import', 'throw-on-start.ts', 'kind: async', /throw-on-start\.ts does not load: Error: /],
    [
      'throws on import, in a process',
      'throw-on-start.ts',
      'kind: process, workers: 1',
      /throw-on-start\.ts does not load: Error: /,
    ],
    [
      'never becomes ready',
      'never-ready.ts',
      'kind: async, ready_timeout: 5s',
      /^error: pool io: .*not ready in time \(ready_timeout\).*waiting for a friend/,
    ],
    [
      'never becomes ready, in a process',
      'never-ready.ts',
      'kind: process, workers: 1, ready_timeout: 5s',
      /^error: pool io: .*not ready in time \(ready_timeout\).*waiting for a friend/,
    ],
  ] as const) {
    it(`a task module that ${name} ends start with 70 and its name`, async () => {
      await write(daemonYaml({ task, pool }));
      const { code, stderr } = await run('start');
      assert.equal(code, 70, stderr);
      assert.match(
        stderr
          .trim()
          .split('\n')
          .findLast((line) => line.startsWith('error:')) ?? stderr,
        message,
      );
      assert.doesNotMatch(stderr, /fault of forkloop/);
    });
  }

  it('a file where the control socket should be ends start with its path; the file stays', async () => {
    await write(daemonYaml());
    await writeFile(join(folder, 'control.sock'), 'mine');
    const { code, stderr } = await run('start');
    assert.equal(code, 64, stderr);
    assert.match(stderr, /control\.sock exists and is not a socket; remove it or choose another path/);
    await rm(join(folder, 'control.sock'));
  });

  it('a stranger that listens on the control socket ends start with 75; it is not disturbed', async () => {
    await write(daemonYaml());
    const stranger = createServer((socket) => socket.end()).listen(join(folder, 'control.sock'));
    await once(stranger, 'listening');
    try {
      const { code, stderr } = await run('start');
      assert.equal(code, 75, stderr);
      assert.match(stderr, /control\.sock: another process answers there; stop it first/);
    } finally {
      stranger.close();
      await once(stranger, 'close');
    }
  });

  it('a second daemon on the same directory ends with 75 and names the lock; the first goes on', async () => {
    await withSupervisor(
      { tasks: [fixture('echo.ts')], pools: { io: { kind: 'async', queues: ['default'] } } },
      async (daemon) => {
        const { code, stderr } = await daemon.cli('start');
        assert.equal(code, 75);
        assert.match(
          stderr,
          /another daemon holds \S+forkloop\.lock: stop it \(supervisor stop\), or give this one its own control\.directory/,
        );
        assert.equal((await daemon.cli('enqueue', 'echo', '1', '--wait')).code, 0);
      },
    );
  });

  describeRedis('with Redis', () => {
    it('that is away: start --require-broker ends with 69 and the reason, and leaves nothing', async () => {
      const port = await freePort();
      await write(daemonYaml({ broker: `type: redis, url: "redis://127.0.0.1:${port}"` }));
      const { code, stdout, stderr } = await run('start', '--require-broker');
      assert.deepEqual([code, stdout], [69, ''], stderr);
      const reason = new RegExp(`^error: redis is not connected .*ECONNREFUSED.*${port}`, 'm');
      assert.match(stderr, reason);
      // Also where stderr is a file, which the log has written to and closed.
      const file = join(folder, 'stderr');
      const stdio = ['ignore', 'ignore', openSync(file, 'w')] as const;
      const child = spawn(process.execPath, [PROGRAM, 'start', '-c', 's.yaml', '--require-broker'], {
        cwd: folder,
        env: cleanEnvironment({}),
        stdio: [...stdio],
      });
      assert.equal((await once(child, 'exit'))[0], 69);
      closeSync(stdio[2]);
      assert.match(readFileSync(file, 'utf8'), reason);
    });

    it('that is away: start waits for it, says so, and works when it comes', async () => {
      const redis = await startRedis();
      await redis.kill();
      await write(daemonYaml({ broker: `type: redis, url: "${redis.url}"` }));
      const child = spawn(process.execPath, [PROGRAM, 'start', '-c', 's.yaml'], {
        cwd: folder,
        env: cleanEnvironment({}),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let log = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
      const exited = once(child, 'close');
      try {
        await until(() => log.includes('"ready"'), 20_000);
        assert.match(log, /broker not connected, trying again until it is.*ECONNREFUSED/);
        const away = await run('enqueue', 'echo', '1');
        assert.equal(away.code, 69, away.stderr);
        await redis.restart();
        await until(
          async () => (await run('enqueue', 'echo', '1', '--wait', '--timeout', '5s')).code === 0,
          20_000,
        );
      } finally {
        child.kill('SIGTERM');
        const [code] = (await exited) as [number | null];
        await redis.stop();
        assert.equal(code, 0, log);
      }
    });

    it('that may evict jobs ends start with 78 and the setting', async () => {
      const redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
      try {
        await write(daemonYaml({ broker: `type: redis, url: "${redis.url}"` }));
        for (const words of [['start'], ['start', '--require-broker']]) {
          const { code, stderr } = await run(...words);
          assert.equal(code, 78, stderr);
          assert.match(
            stderr,
            /^error: redis may evict jobs: maxmemory-policy is allkeys-lru; set it to noeviction/m,
          );
        }
      } finally {
        await redis.stop();
      }
    });
  });
});
