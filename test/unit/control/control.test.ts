import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chownSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callDaemon } from '../../../src/control/client.ts';
import { type CommandTable, commandTable } from '../../../src/control/commands.ts';
import type { HealthReport, StatusReport } from '../../../src/control/messages/daemon.ts';
import type { ControlHandlers } from '../../../src/control/protocol.ts';
import { ControlServer, parseRequest } from '../../../src/control/server.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { ForkloopError } from '../../../src/lib/errors.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const id = '0198c0de-7a1b-7cc0-8000-0242ac120002';
const options = { timeoutMs: 5_000, clock: systemClock };

describe('control socket', () => {
  let folder = '';
  let path = '';
  let server: ControlServer;
  const logged: string[] = [];
  const given: unknown[] = [];
  const sockets: Socket[] = [];
  const handlers: ControlHandlers = {
    status: async () => ({ schema: 'forkloop.status/1', text: 'zażółć\n' }) as unknown as StatusReport,
    scale: async () => assert.fail('not asked for'),
    reload: async () => assert.fail('not asked for'),
    stop: async (request) => {
      given.push(request);
      throw new ForkloopError('ERR_DRAINING', 'already stopping');
    },
    jobs: async (request) => {
      given.push(request);
      return { schema: 'forkloop.jobs/1', jobs: [], more: false, scanned: 0, stored: 0 };
    },
    quiet: async () => assert.fail('not asked'),
    health: async () => assert.fail('not asked'),
    dump: async () => assert.fail('not asked'),
    workers: async () => assert.fail('not asked'),
    worker_stacks: async () => assert.fail('not asked'),
    worker_restart: async () => assert.fail('not asked'),
    logs_reopen: async () => assert.fail('not asked'),
    job: async () => {
      throw new TypeError('secret detail');
    },
    queues: async () => assert.fail('not asked'),
    queue: async () => assert.fail('not asked'),
    queue_pause: async (request) => {
      given.push(request);
      return {
        schema: 'forkloop.queue-pause/1',
        ...{ name: request.name, paused: true, paused_since: null, changed: true },
      };
    },
    queue_resume: async () => assert.fail('not asked'),
    queue_purge: async () => assert.fail('not asked'),
    job_retry: async () => assert.fail('not asked'),
    job_delete: async () => assert.fail('not asked'),
    schedules: async (request) => {
      given.push(request);
      return { schema: 'forkloop.schedules/1', schedules: [] };
    },
    schedule: async ({ name }) => {
      throw new ForkloopError('ERR_SCHEDULE_UNKNOWN', `no schedule is named ${name}`);
    },
    schedule_run: async ({ name }) => ({
      schema: 'forkloop.schedule-run/1',
      ...{ name, id, queue: 'maintenance', existing: false },
    }),
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
    path = join(folder, 'control.sock');
    given.length = 0;
    logged.length = 0;
    const log = createLogger((level, message) => logged.push(`${level} ${message}`));
    server = new ControlServer({ path, commands: commandTable(handlers), clock: systemClock, log });
    await server.start();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Sends bytes as they are; answers the lines that come back until the server, or we, have enough. */
  function raw(text: string, wanted: number): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      let received = '';
      socket.setEncoding('utf8');
      socket.on('data', (chunk: string) => {
        received += chunk;
        if (received.split('\n').length > wanted) socket.destroy();
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(received.split('\n').slice(0, -1)));
      socket.write(text);
    });
  }

  it('answers a command with its data', async () => {
    const report = await callDaemon(path, 'status', {}, options);
    assert.deepEqual(report, { schema: 'forkloop.status/1', text: 'zażółć\n' });
  });

  it('hands checked arguments over', async () => {
    await callDaemon(path, 'jobs', { state: 'dead', queue: 'geo', limit: 5 }, options);
    assert.deepEqual(given, [{ state: 'dead', queue: 'geo', limit: 5 }]);
  });

  it('answers a refusal with its code and message', async () => {
    await assert.rejects(callDaemon(path, 'stop', { now: true }, options), {
      name: 'ForkloopError',
      code: 'ERR_DRAINING',
      message: 'already stopping',
    });
  });

  it('keeps the details of its own faults to its log', async () => {
    await assert.rejects(callDaemon(path, 'job', { id, input: false }, options), (error: ForkloopError) => {
      assert.equal(error.code, 'ERR_INTERNAL');
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    assert.deepEqual(logged, ['error a control command failed']);
  });

  for (const [name, command, bad] of [
    ['a missing argument', 'stop', {}],
    ['an unknown argument', 'status', { x: 1 }],
    ['an argument of another type', 'jobs', { limit: '5' }],
    ['a state that does not exist', 'jobs', { limit: 5, state: 'lost' }],
    ['a limit beyond the most', 'jobs', { limit: 1e9 }],
    ['a path instead of an id', 'job', { id: '../../etc/passwd', input: false }],
    ['no arguments object', 'stop', 7],
  ] as const) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(callDaemon(path, command, bad as never, options), { code: 'ERR_COMMAND_INVALID' });
      assert.deepEqual(given, []);
    });
  }

  for (const command of ['reboot', '__proto__', 'constructor', 'toString']) {
    it(`knows no command ${command}`, async () => {
      await assert.rejects(callDaemon(path, command as never, {} as never, options), {
        code: 'ERR_COMMAND_INVALID',
        message: /knows no command/,
      });
    });
  }

  for (const text of [
    '',
    'x',
    '7',
    'null',
    '{}',
    '[1]',
    '{"id":"1","command":"status"}',
    '{"id":1,"command":2}',
  ]) {
    it(`answers ${JSON.stringify(text)}, which is no request, with an error`, async () => {
      const [line] = await raw(`${text}\n`, 1);
      const reply = JSON.parse(line ?? '') as { id: unknown; ok: unknown; error: { code: string } };
      assert.deepEqual([reply.id, reply.ok, reply.error.code], [null, false, 'ERR_COMMAND_INVALID']);
    });
  }

  it('answers one request after the other on one connection', async () => {
    const replies = (await raw('{"id":1,"command":"status"}\n', 1)).concat(
      await raw('{"id":2,"command":"status"}\n', 1),
    );
    assert.deepEqual(
      replies.map((line) => (JSON.parse(line) as { id: number; ok: boolean }).id),
      [1, 2],
    );
  });

  it('refuses a second command while one is under way', async () => {
    const replies = await raw('{"id":1,"command":"status"}\n{"id":2,"command":"status"}\n', 2);
    const ends = replies.map((line) => JSON.parse(line) as { id: number; ok: boolean });
    assert.deepEqual(
      ends.sort((one, other) => one.id - other.id).map(({ id: number, ok }) => [number, ok]),
      [
        [1, true],
        [2, false],
      ],
    );
  });

  it('closes a connection that sends a line beyond 64 KiB, and serves the next', async () => {
    assert.deepEqual(await raw('x'.repeat(70_000), 1).catch(() => []), []);
    assert.ok(await callDaemon(path, 'status', {}, options));
  });

  it('belongs to its user alone', () => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('is gone when the server has stopped, and may be stopped twice', async () => {
    await server.stop();
    await server.stop();
    await assert.rejects(callDaemon(path, 'status', {}, options), { code: 'ERR_NOT_RUNNING' });
  });

  it('closes an idle connection also after it was answered, but not while its command is under way', async () => {
    await server.stop();
    const clock = new FakeClock();
    let commands: CommandTable = new Map();
    let answer = () => {};
    const slow = new Promise<HealthReport>((resolve) => {
      answer = () => resolve({ schema: 'forkloop.health/1' } as unknown as HealthReport);
    });
    const asked = new Promise<void>((resolve) => {
      const health = () => {
        resolve();
        return slow;
      };
      commands = commandTable({ ...handlers, health });
    });
    server = new ControlServer({ path, commands, clock, log: createLogger(() => {}) });
    await server.start();
    const [quick, patient] = [connect(path), connect(path)];
    sockets.push(quick, patient);
    const heard = (socket: Socket) => once(socket, 'data').then(([chunk]) => String(chunk));
    const ended = once(quick.resume(), 'close');
    const pending = heard(patient);
    patient.write('{"id":1,"command":"health","arguments":{"probe":"live"}}\n');
    await asked;
    quick.write('{"id":2,"command":"status"}\n');
    assert.match(await heard(quick), /"id":2,"ok":true/);
    await clock.advance(5_000);
    await ended;
    assert.equal(patient.destroyed, false);
    await clock.advance(60_000);
    answer();
    assert.match(await pending, /"id":1,"ok":true/);
    const gone = once(patient, 'close');
    await clock.advance(5_000);
    await gone;
  });

  it('is not trusted when it belongs to another user', async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: only root can give a file away');
      return this.skip();
    }
    const uid = process.getuid;
    chownSync(path, 12_345, 12_345);
    assert.equal(uid(), 0);
    await assert.rejects(callDaemon(path, 'status', {}, options), { code: 'ERR_SOCKET_UNTRUSTED' });
  });
});

describe('a call to a daemon', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fl-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('ends with ERR_NOT_RUNNING where there is no socket', async () => {
    const path = join(folder, 'nothing.sock');
    await assert.rejects(callDaemon(path, 'status', {}, options), { code: 'ERR_NOT_RUNNING' });
  });

  for (const [name, answer, message] of [
    ['nobody answers', null, /no answer within 100 ms/],
    ['the connection is closed', 'end', /closed without an answer/],
    ['the answer is no JSON', 'text', /not JSON/],
  ] as const) {
    it(`ends with ERR_NO_ANSWER when ${name}`, async () => {
      const path = join(folder, 'mute.sock');
      const mute = createServer((socket) => {
        socket.on('error', () => {});
        if (answer === 'end') socket.once('data', () => socket.end());
        if (answer === 'text') socket.once('data', () => socket.write('hello\n'));
        if (answer === null) socket.resume();
      });
      await new Promise<void>((resolve) => mute.listen(path, resolve));
      const started = performance.now();
      await assert.rejects(
        callDaemon(path, 'status', {}, { ...options, timeoutMs: answer === null ? 100 : 5_000 }),
        {
          code: 'ERR_NO_ANSWER',
          message,
        },
      );
      assert.ok(performance.now() - started < 4_000);
      await new Promise((resolve) => mute.close(resolve));
    });
  }
});

describe('a request', () => {
  it('may leave its arguments out', () => {
    assert.deepEqual(parseRequest('{"id":1,"command":"status"}'), {
      id: 1,
      command: 'status',
      arguments: {},
    });
  });
});
