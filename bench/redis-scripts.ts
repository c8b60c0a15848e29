/**
 * CPU per job that the scripts of the hot path take in Redis, from INFO commandstats: inputs of 200 bytes, the best of
 * some rounds (other load on the machine only adds). Starts a redis-server of its own and ends by itself.
 *
 *     npx tsx bench/redis-scripts.ts [jobs a round]
 *
 * The floor is what Redis needs for the same moves without any check or answer: the measure of this machine on this day.
 */
import { encodeJob, type NewJob } from '../src/broker/job-record.ts';
import { RedisBroker } from '../src/broker/redis/redis-broker.ts';
import { systemClock } from '../src/lib/clock.ts';
import { newId } from '../src/lib/ids.ts';
import { silentLogger } from '../src/lib/logger.ts';
import { plainClient } from '../test/support/redis-broker.ts';
import { startRedis } from '../test/support/redis-server.ts';

const ROUNDS = 5;
const QUEUE = 'bench';
const JOBS = Number(process.argv[2] ?? 25_600);
const INPUT = JSON.stringify('x'.repeat(198));

interface Cost {
  readonly enqueue: number;
  readonly exchange: number;
}

type Ending = (token: string) => { type: 'ack'; token: string } | DeadSettlement;
type DeadSettlement = { type: 'dead'; token: string; count: 'none'; error: string };

const server = await startRedis();
const admin = await plainClient(server.url);
const options = { url: server.url, namespace: 'bench', callDeadlineMs: 10_000, clock: systemClock };
const broker = new RedisBroker({ ...options, random: Math.random, newId, log: silentLogger });
try {
  await broker.start();
  await report('floor, 256', () => floor());
  await report('batches of 256', () => run(256, JOBS));
  await report('batches of 16', () => run(16, JOBS / 4));
  await report('single jobs', () => run(1, JOBS / 16));
  await report('256, each delayed', () => run(256, JOBS, () => ({}), 1));
  await report('256, each unique', () => run(256, JOBS, () => ({ unique: newId() })));
  await report('256, each ends dead', () =>
    run(256, JOBS, undefined, 0, (token) => ({ type: 'dead', token, count: 'none', error: '{}' })),
  );
  await reportMemory();
} finally {
  await broker.close();
  await admin.close();
  await server.stop();
}

async function report(name: string, measure: () => Promise<Cost>): Promise<void> {
  const costs: Cost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await admin.flushAll();
    costs.push(await measure());
  }
  const best = (of: (cost: Cost) => number) =>
    Math.min(...costs.map(of))
      .toFixed(2)
      .padStart(6);
  const [enqueue, exchange] = [best((cost) => cost.enqueue), best((cost) => cost.exchange)];
  console.log(`${name.padEnd(20)} enqueue ${enqueue} µs a job, claim + settle ${exchange} µs a job`);
}

async function reportMemory(): Promise<void> {
  await admin.flushAll();
  const used = async () => Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))?.[1]);
  const before = await used();
  await enqueueAll(256, JOBS, () => ({}), 0);
  const bytes = ((await used()) - before) / JOBS;
  console.log(
    `a waiting job takes ${bytes.toFixed(0)} bytes, its input ${INPUT.length}, its record ${record({}).length}`,
  );
}

async function floor(): Promise<Cost> {
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
  const batches = Array.from({ length: JOBS / 256 }, () => Array.from({ length: 256 }, () => record({})));
  const enqueue = await microseconds(async () => {
    for (const batch of batches) await admin.sendCommand(['EVALSHA', pushSha, '1', 'list', ...batch]);
  });
  const exchange = await microseconds(async () => {
    let settle: string[] = [];
    do {
      const list = await admin.sendCommand<string[]>(['EVALSHA', moveSha, '2', 'list', 'hash', ...settle]);
      settle = list.map((text) => text.slice(1, 44));
    } while (settle.length > 0);
  });
  return { enqueue: enqueue / JOBS, exchange: exchange / JOBS };
}

async function run(
  size: number,
  jobs: number,
  draft: () => Partial<NewJob> = () => ({}),
  delayMs = 0,
  end: Ending = (token) => ({ type: 'ack', token }),
): Promise<Cost> {
  const daemon = newId();
  await broker.open(QUEUE, { daemon, leaseMs: 30_000 });
  const enqueue = await enqueueAll(size, jobs, draft, delayMs);
  let settled = 0;
  const exchange = await microseconds(async () => {
    let settle: ReturnType<Ending>[] = [];
    for (let number = 1; number === 1 || settle.length > 0; number++) {
      const reply = await broker.exchange(QUEUE, {
        ...{ daemon, leaseMs: 30_000, lane: 0, number, settle, want: size, alone: false },
        ...{ droppedResultTtlMs: 60_000, keepDead: { count: 1_000, ageMs: 86_400_000 } },
      });
      if (reply.status !== 'done') throw new Error(reply.status);
      settled += settle.length;
      settle = reply.jobs.map(({ token }) => end(token));
    }
  });
  if (settled !== jobs) throw new Error(`${settled} of ${jobs} jobs were settled`);
  return { enqueue: enqueue / jobs, exchange: exchange / jobs };
}

function enqueueAll(
  size: number,
  jobs: number,
  draft: () => Partial<NewJob>,
  delayMs: number,
): Promise<number> {
  const batches = Array.from({ length: jobs / size }, () => ({
    id: newId(),
    notAfterAt: Date.now() + 35_000,
    jobs: Array.from({ length: size }, () => ({ record: record(draft()), delayMs })),
  }));
  return microseconds(async () => {
    for (const batch of batches) await broker.enqueue(QUEUE, batch);
  });
}

/** What scripts took in Redis meanwhile. */
async function microseconds(work: () => Promise<void>): Promise<number> {
  await admin.sendCommand(['CONFIG', 'RESETSTAT']);
  await work();
  const stats = await admin.info('commandstats');
  return Number(/^cmdstat_evalsha:calls=\d+,usec=(\d+)/m.exec(stats)?.[1]);
}

function record(draft: Partial<NewJob>): string {
  return encodeJob({
    id: newId(),
    task: 'order.ship',
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
    input: INPUT,
    ...draft,
  });
}
