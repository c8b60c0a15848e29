/**
 * Redis CPU per job of the two scripts on the hot path, from INFO commandstats: batches of 256 with inputs of 200 bytes,
 * and single jobs. Starts a redis-server of its own and ends by itself within seconds.
 *
 *     npx tsx bench/redis-scripts.ts [jobs]
 */
import { encodeJob } from '../src/broker/job-record.ts';
import { RedisBroker } from '../src/broker/redis/redis-broker.ts';
import { systemClock } from '../src/lib/clock.ts';
import { newId } from '../src/lib/ids.ts';
import { silentLogger } from '../src/lib/logger.ts';
import { plainClient } from '../test/support/redis-broker.ts';
import { startRedis } from '../test/support/redis-server.ts';

const QUEUE = 'bench';
const JOBS = Number(process.argv[2] ?? 102_400);
const INPUT = JSON.stringify('x'.repeat(198));

const server = await startRedis();
const admin = await plainClient(server.url);
const options = { url: server.url, namespace: 'bench', callDeadlineMs: 2_000, clock: systemClock };
const broker = new RedisBroker({ ...options, random: Math.random, newId, log: silentLogger });
try {
  await broker.start();
  await measureFloor();
  for (const [size, jobs] of [
    [256, JOBS],
    [256, JOBS],
    [16, JOBS / 8],
    [1, JOBS / 64],
  ] as const)
    await measure(size, jobs);
} finally {
  await broker.close();
  await admin.close();
  await server.stop();
}

/** What Redis needs for the same moves without any check or answer: the measure of this machine on this day. */
async function measureFloor(): Promise<void> {
  const push = "#!lua\nredis.call('RPUSH', KEYS[1], unpack(ARGV))";
  const move = `#!lua
    if #ARGV > 0 then redis.call('HDEL', KEYS[2], unpack(ARGV)) end
    local list, fields = redis.call('LPOP', KEYS[1], 256), {}
    for i, record in ipairs(list or {}) do
      fields[2 * i - 1], fields[2 * i] = string.sub(record, 2, 44), record
    end
    if list then redis.call('HSET', KEYS[2], unpack(fields)) end
    return list or {}`;
  const [pushSha, moveSha] = [await admin.scriptLoad(push), await admin.scriptLoad(move)];
  const batches = Array.from({ length: JOBS / 256 }, () => Array.from({ length: 256 }, record));
  const pushed = await microseconds(async () => {
    for (const batch of batches) await admin.sendCommand(['EVALSHA', pushSha, '1', 'floor:list', ...batch]);
  });
  const moved = await microseconds(async () => {
    let settle: string[] = [];
    do {
      const args = ['EVALSHA', moveSha, '2', 'floor:list', 'floor:hash', ...settle];
      settle = (await admin.sendCommand<string[]>(args)).map((text) => text.slice(1, 44));
    } while (settle.length > 0);
  });
  console.log(
    `floor: push ${(pushed / JOBS).toFixed(2)} µs a job, move and forget ${(moved / JOBS).toFixed(2)} µs a job`,
  );
}

async function measure(size: number, jobs: number): Promise<void> {
  const daemon = newId();
  await broker.open(QUEUE, { daemon, leaseMs: 30_000 });
  const batches = Array.from({ length: Math.ceil(jobs / size) }, () => ({
    id: newId(),
    notAfterAt: Date.now() + 35_000,
    jobs: Array.from({ length: size }, () => ({ record: record(), delayMs: 0 })),
  }));

  const enqueue = await microseconds(async () => {
    for (const batch of batches) await broker.enqueue(QUEUE, batch);
  });
  let settled = 0;
  const exchange = await microseconds(async () => {
    let settle: { type: 'ack'; token: string }[] = [];
    for (let number = 1; number === 1 || settle.length > 0; number++) {
      const reply = await broker.exchange(QUEUE, {
        ...{ daemon, leaseMs: 30_000, lane: 0, number, settle, want: size, alone: false },
        ...{ droppedResultTtlMs: 60_000, keepDead: { count: 1_000, ageMs: 86_400_000 } },
      });
      if (reply.status !== 'done') throw new Error(reply.status);
      settled += settle.length;
      settle = reply.jobs.map(({ token }) => ({ type: 'ack', token }));
    }
  });
  await broker.closeSession(QUEUE, { daemon });
  const perJob = (total: number) => (total / settled).toFixed(2);
  console.log(
    `batch ${size}: enqueue ${perJob(enqueue)} µs a job, claim + settle ${perJob(exchange)} µs a job`,
  );
}

/** CPU that scripts took in Redis meanwhile. */
async function microseconds(run: () => Promise<void>): Promise<number> {
  await admin.sendCommand(['CONFIG', 'RESETSTAT']);
  await run();
  const stats = await admin.info('commandstats');
  return Number(/^cmdstat_evalsha:calls=\d+,usec=(\d+)/m.exec(stats)?.[1]);
}

function record(): string {
  return encodeJob({
    id: newId(),
    task: 'order.ship',
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
    input: INPUT,
  });
}
