/** Whatever is written to the sockets of a running daemon. */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { encodeJob } from '../../src/broker/job-record.ts';
import { createClient } from '../../src/index.ts';
import { newId } from '../../src/lib/ids.ts';
import { residentBytes } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const SEED = 20_261_123;
const LINES = 300;
/** More than the control socket takes at once. */
const CROWD = 100;
const MEMORY_SLACK = 80 * 1024 * 1024;

const config = {
  tasks: [join(ROOT, 'test/fixtures/tasks/echo.ts')],
  pools: { io: { kind: 'async', queues: ['q'] } },
};

const names = fc.constantFrom(
  ...[
    'status',
    'stop ',
    'jobs',
    'job',
    'scale',
    'queue_pause',
    'queue_purge',
    'schedule_run',
    'reload',
    'health',
  ],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '\u0000', '\ud800', 'x'.repeat(10_000)],
);
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<unknown>(-1, 1e300, 'q', [], {}, null, true),
);

const controlRequest = fc.record(
  {
    id: fc.oneof({ arbitrary: fc.nat(), weight: 9 }, { arbitrary: values, weight: 1 }),
    command: names,
    arguments: fc.oneof(values, fc.dictionary(names, values)),
  },
  { requiredKeys: ['id', 'command'] },
);

const spoiledRecord = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.tuple(fc.nat(100), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })).map(([at, put]) => {
    const record = jobRecord();
    return record.slice(0, at) + put + record.slice(at + 1);
  }),
);
const storeRequest = fc.record(
  {
    id: fc.oneof(fc.nat(), values),
    verb: fc.constantFrom('enqueue', 'results', 'stats', 'list', 'find', 'exchange', 'open', '__proto__'),
    queue: fc.constantFrom('q', '', '__proto__', '\u0000', '../x', 'x'.repeat(5_000)),
    argument: fc.oneof(
      values,
      fc.record({
        id: fc.constantFrom('', 'x', newId(), '\u0000'),
        notAfterAt: fc.constantFrom(0, -1, 1e300, Date.now() + 30_000),
        jobs: fc.array(fc.record({ record: spoiledRecord, delayMs: fc.constantFrom(0, -5, 1e300, 0.5) }), {
          maxLength: 3,
        }),
      }),
      fc.record({
        state: fc.constantFrom('ready', 'dead', '__proto__'),
        limit: fc.constantFrom(0, 1, 1e15, -1),
      }),
      fc.array(fc.constantFrom('', 'x', newId()), { maxLength: 5 }),
    ),
  },
  { requiredKeys: ['verb'] },
);

const noise = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      ...['{', '[]', 'null', '"', '{"command":', '\ufeff{}', '['.repeat(20_000)],
      // Whole JSON, as deep as a line may be long.
      `{"id":1,"command":"status","arguments":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
      '{"id":1,"command":"job","arguments":{"__proto__":{"id":"x"}}}',
    )
    .map((text) => Buffer.from(text)),
);

function jobRecord(): string {
  const options = { unique: null, options: {}, expiresAt: 0, priority: 5, keepResult: false };
  return encodeJob({ id: newId(), task: 'echo', input: '1', ...options });
}

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => {}); // the daemon may close it at any time
  socket.resume();
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return socket;
}

/** Each line by a connection of its own where the last one was closed. */
async function send(path: string, lines: readonly Buffer[]): Promise<void> {
  let socket = await open(path);
  for (const line of lines) {
    if (socket.destroyed) socket = await open(path);
    await new Promise<void>((resolve) =>
      socket.write(Buffer.concat([line, Buffer.from('\n')]), () => resolve()),
    );
  }
  socket.destroy();
}

const asLines = (requests: readonly unknown[]) =>
  requests.map((request) => Buffer.from(JSON.stringify(request)));

describe('a hostile peer', () => {
  const works = async (daemon: Daemon) => {
    await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
    const handle = await client.enqueue('echo', 'fine', { queue: 'q', result: '1m' });
    assert.equal(await handle.result({ timeout: '20s' }), 'fine');
    assert.equal((await daemon.status()).state, 'running');
  };

  it(`cannot harm the daemon by what it says (seed ${SEED})`, async () => {
    await withSupervisor(config, async (daemon) => {
      await works(daemon);
      const before = residentBytes(daemon.pid);
      const sample = <T>(from: fc.Arbitrary<T>) => fc.sample(from, { seed: SEED, numRuns: LINES });
      for (const path of [daemon.socket, join(daemon.folder, 'broker.sock')]) {
        await send(path, sample(noise));
        await send(path, asLines(sample<unknown>(path === daemon.socket ? controlRequest : storeRequest)));
      }
      await works(daemon);
      assert.ok(residentBytes(daemon.pid) - before < MEMORY_SLACK);
    });
  }).timeout(60_000);

  it('cannot keep others out, by many connections, half lines or lines without an end', async () => {
    await withSupervisor(config, async (daemon) => {
      const before = residentBytes(daemon.pid);
      const crowd = await Promise.all(Array.from({ length: CROWD }, () => open(daemon.socket)));
      for (const socket of crowd) socket.write('{"command":"sta');
      // Who says nothing whole within 5 s loses the connection.
      await until(() => crowd.every((socket) => socket.destroyed), 15_000);
      const endless = await open(daemon.socket);
      const block = Buffer.alloc(1024 * 1024, 'x');
      for (let sent = 0; sent < 200 && !endless.destroyed; sent++)
        await new Promise<void>((resolve) => endless.write(block, () => resolve()));
      assert.ok(endless.destroyed);
      await works(daemon);
      assert.ok(residentBytes(daemon.pid) - before < MEMORY_SLACK);
    });
  }).timeout(60_000);
});
