/** Inputs of every shape through a real daemon and each kind of worker: they come back as they were, or are refused. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { createClient } from '../../src/index.ts';
import { residentBytes } from '../support/processes.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const SEED = 20_261_129;
const INPUTS = 150;
const MEMORY_SLACK = 120 * 1024 * 1024;
const MEBIBYTE = 1024 ** 2;

const config = {
  tasks: [join(ROOT, 'test/fixtures/compiled/tasks.mjs')],
  defaults: { keep: { results: '10m' } },
  pools: {
    forked: { kind: 'process', workers: 1, queues: ['forked'] },
    thread: { kind: 'async', queues: ['thread'] },
    child: { kind: 'async', host: 'process', queues: ['child'] },
  },
};

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
const named = (key: string): unknown => JSON.parse(`{${JSON.stringify(key)}:{"polluted":true}}`);

/** What no handler and no log expects. */
const strange = fc.constantFrom<unknown>(
  ...[nested(64), named('__proto__'), named('constructor'), named('toString'), named(''), named('\ud800')],
  ...['\ud83d', '\ude00!', '\u0000', '\ufeff', '\u2028', '\u001b[2J', '*3\r\n$3\r\n', '"', '{', "'; --"],
  ...[1e308, 5e-324, Number.MAX_SAFE_INTEGER + 2, [], {}, null, false, ''],
  ...['x'.repeat(MEBIBYTE - 2), 'é'.repeat(MEBIBYTE / 4), Array(50_000).fill(0)],
);
const input = fc.oneof(
  { arbitrary: fc.jsonValue({ maxDepth: 6 }), weight: 3 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 300 }), weight: 2 },
  { arbitrary: strange, weight: 1 },
);

describe('hostile inputs', function () {
  this.timeout(120_000);
  const run = (body: (daemon: Daemon) => Promise<void>) => withSupervisor(config, body);

  it(`come back as JSON has them, from each kind of worker (seed ${SEED})`, async () => {
    const inputs = fc.sample(input, { seed: SEED, numRuns: INPUTS });
    await run(async (daemon) => {
      const before = residentBytes(daemon.pid);
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      for (const queue of Object.keys(config.pools)) {
        for (let from = 0; from < INPUTS; from += 25) {
          const some = inputs.slice(from, from + 25);
          const handles = await Promise.all(
            some.map((one) => client.enqueue('echo', one, { queue, result: true })),
          );
          const results = await Promise.all(handles.map((handle) => handle.result({ timeout: '30s' })));
          assert.deepEqual(
            results,
            some.map((one) => JSON.parse(JSON.stringify(one))),
          );
        }
      }
      assert.ok(residentBytes(daemon.pid) - before < MEMORY_SLACK);
      assert.equal((await daemon.cli('health', 'ready')).code, 0);
    });
  });

  it('are refused at the edge when they are no JSON, too deep or too large, and nothing is stored', async () => {
    await run(async (daemon) => {
      const enqueue = (bytes: string | Buffer) =>
        daemon.run(['enqueue', 'echo', '-', '--queue', 'thread'], { input: bytes });
      const noJson = fc
        .sample(fc.uint8Array({ minLength: 1, maxLength: 100 }), { seed: SEED, numRuns: 3 })
        .map((noise) => Buffer.from([0xff, ...noise]));
      for (const bytes of [
        ...noJson,
        Buffer.from('{"a":'),
        Buffer.from('['.repeat(65) + ']'.repeat(65)),
        Buffer.from('['.repeat(200_000)),
        Buffer.from(JSON.stringify('x'.repeat(MEBIBYTE))),
      ]) {
        const { code, stdout, stderr } = await enqueue(bytes);
        assert.deepEqual([code === 0, stdout], [false, ''], stderr);
        assert.match(stderr, /^error: /);
        assert.ok(stderr.length < 1_000, 'the message is short, whatever the input');
      }
      const thread = (await daemon.status()).queues.find(({ name }) => name === 'thread');
      assert.deepEqual([thread?.ready, thread?.in_flight, thread?.delayed, thread?.dead], [0, 0, 0, 0]);
    });
  });
});
