/** Garbage written straight into the store of a running daemon, past every check of a client. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { encodeJob } from '../../src/broker/job-record.ts';
import { queueKeys } from '../../src/broker/redis/keys.ts';
import { createClient } from '../../src/index.ts';
import { newId } from '../../src/lib/ids.ts';
import { plainClient } from '../support/redis-broker.ts';
import { describeRedis, type RedisServer, startRedis } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../support/with-supervisor.ts';

const NAMESPACE = 'hostile';
const QUEUE = 'q';
const keys = queueKeys(NAMESPACE, QUEUE);
const SEED = 20_261_123;
const GARBAGE = 400;
const QUARANTINE_LIMIT = 100;

type Redis = Awaited<ReturnType<typeof plainClient>>;

/** Bytes that look more or less like a record: nothing at all, noise, and good records spoiled in some places. */
const garbage: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constantFrom('', '1', '{}', '[]', 'null', '2'.repeat(100), '1'.repeat(77), '\0'.repeat(77)).map(bytes),
  fc.uint8Array({ maxLength: 300 }).map((noise) => Buffer.from(noise)),
  fc
    .tuple(
      fc.record({
        task: fc.constantFrom('echo', 'steer', 'nobody.knows', '', '\u{1f600}', '__proto__'),
        input: fc.constantFrom(
          '1',
          '',
          '{',
          '"\\ud800"',
          '[',
          '1e999',
          `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
        ),
        unique: fc.constantFrom(null, 'u', '__proto__'),
        options: fc.constantFrom<object>(
          {},
          { timeout: 'x' },
          { timeout: -1, retry: 7, headers: 'h' },
          { retry: { attempts: 'x', initial: 1e300, max: null, jitter: '' } },
          { retry: { attempts: 1e9, initial: -5, max: -1, jitter: -7, backoff: 'none' }, resultTtl: 'soon' },
          { timeout: 1e300, resultTtl: -1, headers: [1, null] },
        ),
        expiresAt: fc.constantFrom(0, 1, 9_999_999_999_999),
        priority: fc.constantFrom(0, 5, 9),
        keepResult: fc.boolean(),
      }),
      fc.array(fc.tuple(fc.nat(110), fc.constantFrom(0x00, 0x2d, 0x30, 0x31, 0x39, 0x66, 0x7b, 0xc3, 0xff)), {
        maxLength: 3,
      }),
      fc.option(fc.nat(120), { nil: null, freq: 4 }),
    )
    .map(([job, spoiled, cut]) => {
      const record = bytes(encodeJob({ ...job, id: newId() }));
      for (const [at, byte] of spoiled) if (at < record.length) record[at] = byte;
      return cut === null ? record : record.subarray(0, cut);
    }),
);

function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

describeRedis('garbage in the keys of a queue', () => {
  let server: RedisServer;
  let redis: Redis;

  before(async () => {
    server = await startRedis();
    redis = await plainClient(server.url);
  });
  after(async () => {
    redis?.destroy();
    await server?.stop();
  });
  beforeEach(() => redis.flushAll());

  const run = (body: (daemon: Daemon) => Promise<void>) =>
    withSupervisor(
      {
        namespace: NAMESPACE,
        tasks: ['echo', 'steer', 'wait'].map((name) => join(ROOT, `test/fixtures/tasks/${name}.ts`)),
        broker: { type: 'redis', url: server.url, lease: '5s', heartbeat: '200ms' },
        pools: { io: { kind: 'async', queues: [QUEUE] } },
      },
      body,
    );

  /** The daemon works, and a job put behind the garbage gets its turn. */
  async function works(daemon: Daemon): Promise<void> {
    await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
    const handles = await Promise.all(
      [0, 5, 9].map((priority) =>
        client.enqueue('echo', { priority }, { queue: QUEUE, priority, result: '1m' }),
      ),
    );
    for (const [i, handle] of handles.entries())
      assert.deepEqual(await handle.result({ timeout: '20s' }), { priority: [0, 5, 9][i] });
  }

  it(`neither stops the daemon nor stays in its hands (seed ${SEED})`, async () => {
    await run(async (daemon) => {
      const pieces = fc.sample(garbage, { seed: SEED, numRuns: GARBAGE });
      for (const [i, piece] of pieces.entries()) {
        const where = i % 14;
        if (where < 10) await redis.rPush(keys.ready[where]!, piece);
        else if (where === 10) await redis.rPush(keys.suspects, piece);
        else if (where === 11) await redis.zAdd(keys.dead, { score: i, value: piece });
        else
          await redis.zAdd(keys.delayed, {
            score: [0, Number.NEGATIVE_INFINITY, 1e300][i % 3]!,
            value: piece,
          });
      }
      await works(daemon);
      // What has no readable id is found by the audit of a session, every 15 s.
      await until(async () => (await redis.keys(`${keys.inFlightPrefix}*`)).length === 0, 40_000);
      assert.ok((await redis.lLen(keys.quarantine)) <= QUARANTINE_LIMIT);
      assert.ok((await redis.lLen(keys.quarantine)) > 0);
      assert.equal((await daemon.cli('health', 'ready')).code, 0);
      for (const words of [['status'], ['job', 'list', '--limit', '100'], ['dump']])
        assert.equal((await daemon.cli(...words)).code, 0, words.join(' '));
    });
  }).timeout(120_000);

  /** Each with what spoils it, and whether jobs go on all the same. A person can always mend it by removing the key. */
  const spoiled: readonly [name: string, key: string, goesOn: boolean, spoil: () => Promise<unknown>][] = [
    ['a line of ready jobs is a text', keys.ready[5]!, false, () => redis.set(keys.ready[5]!, 'x')],
    ['the delayed jobs are a list', keys.delayed, false, () => redis.rPush(keys.delayed, 'x')],
    ['the unique keys are a set', keys.unique, false, () => redis.sAdd(keys.unique, 'x')],
    ['the leases are a text', keys.leases, false, () => redis.set(keys.leases, 'x')],
    ['the highest time is no number', keys.meta, true, () => redis.hSet(keys.meta, 'time', 'now')],
    ['the age of dead jobs is none', keys.meta, true, () => redis.hSet(keys.meta, 'keep_dead_ms', '-')],
    [
      'counters are no numbers',
      keys.meta,
      true,
      () => redis.hSet(keys.meta, { completed: 'x', enqueued: '' }),
    ],
    [
      'a lease lies beyond all time',
      keys.leases,
      true,
      () => redis.zAdd(keys.leases, { score: Number.POSITIVE_INFINITY, value: '\0' }),
    ],
    [
      'a lease is held by nobody',
      keys.leases,
      true,
      () => redis.zAdd(keys.leases, { score: 1, value: '{}:*' }),
    ],
  ];
  it('is outlived whatever key it is in, and named where nothing goes on', async () => {
    await run(async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const echo = async (input: string) => {
        const handle = await client.enqueue('echo', input, { queue: QUEUE, unique: input, result: '1m' });
        return handle.result({ timeout: '20s' });
      };
      for (const [name, key, goesOn, spoil] of spoiled) {
        await redis.del(key);
        await spoil();
        if (goesOn) assert.equal(await echo(name), name);
        else {
          const told = `the key ${key} is a `;
          let refusal = '';
          echo(name).catch((error: unknown) => {
            refusal = String(error);
          });
          await until(() => refusal.includes(told) || daemon.log().includes(told));
        }
        await redis.del(key);
        await works(daemon);
      }
    });
  }).timeout(120_000);

  it('or a hole: jobs whose lease was removed come back', async () => {
    await run(async (daemon) => {
      await using client = createClient({ config: daemon.configPath, enqueueTimeout: '20s' });
      const handle = await client.enqueue('wait', 3_000, { queue: QUEUE, result: '1m' });
      await until(async () => (await redis.keys(`${keys.inFlightPrefix}*`)).length === 1);
      await redis.del(keys.leases);
      assert.equal(await handle.result({ timeout: '20s' }), 3_000);
      assert.ok(daemon.log().includes('the lease was lost'));
      assert.equal((await redis.keys(`${keys.inFlightPrefix}*`)).length, 0);
    });
  }).timeout(60_000);

  it('in the hands of a dead daemon goes to the quarantine, and its good jobs come back', async () => {
    await run(async (daemon) => {
      await works(daemon);
      const inFlight = keys.inFlight('dead');
      const record = (input: string) =>
        encodeJob({
          id: newId(),
          task: 'echo',
          input,
          unique: null,
          options: {},
          expiresAt: 0,
          priority: 5,
          keepResult: false,
        });
      const [good, other] = [record('1'), record('2')];
      for (const [token, value] of [
        [`${good.slice(1, 37)}:1`, good],
        [`${other.slice(1, 37)}:many`, other],
        [`${newId()}:1`, other],
        ['x', 'y'],
        ['', ''],
      ] as const)
        await redis.hSet(inFlight, token, value);
      const { completed } = await redis.hGetAll(keys.meta);
      await redis.zAdd(keys.leases, { score: 1, value: 'dead' });
      await until(async () => (await redis.exists(inFlight)) === 0, 20_000);
      assert.equal(await redis.lLen(keys.quarantine), 4);
      await until(
        async () => Number((await redis.hGetAll(keys.meta))['completed']) === Number(completed) + 1,
      );
    });
  }).timeout(60_000);
});
