/**
 * How fast the embedded store is: durable enqueues, claims with settlements, and the way of one job through an idle
 * store. Run it compiled, on a quiet machine:
 *
 *     npm run build && node --import tsx bench/embedded-store.ts [jobs]
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker, BrokerClient } from '../src/broker/broker.ts';
import type { ExchangeRequest, Settlement } from '../src/broker/messages/exchange.ts';

const root = new URL('../dist/', import.meta.url);
const load = async <T>(path: string): Promise<T> => (await import(new URL(path, root).href)) as T;
const { openBroker, openBrokerClient, serveBroker } =
  await load<typeof import('../src/broker/open.ts')>('broker/open.js');
const { encodeJob } = await load<typeof import('../src/broker/job-record.ts')>('broker/job-record.js');
const { newId } = await load<typeof import('../src/lib/ids.ts')>('lib/ids.js');
const { systemClock } = await load<typeof import('../src/lib/clock.ts')>('lib/clock.js');
const { silentLogger } = await load<typeof import('../src/lib/logger.ts')>('lib/logger.js');

const JOBS = Number(process.argv[2] ?? 102_400);
const BATCH = 256;
const INPUT = JSON.stringify({ text: 'x'.repeat(189) }); // 200 bytes
const directory = mkdtempSync(join(tmpdir(), 'forkloop-bench-'));
const place = {
  type: 'embedded',
  path: join(directory, 'jobs.db'),
  socket: join(directory, 'broker.sock'),
} as const;

const record = () =>
  encodeJob({
    id: newId(),
    task: 'location.filter',
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
    input: INPUT,
  });
const batchOf = (size: number) => ({
  id: newId(),
  notAfterAt: Date.now() + 35_000,
  jobs: Array.from({ length: size }, () => ({ record: record(), delayMs: 0 })),
});

/** One daemon's claims and settlements on one lane. */
class Lane {
  #number = 0;
  readonly #broker: Broker;
  readonly #daemon: string;
  readonly #lane: 0 | 1;

  constructor(broker: Broker, daemon: string, lane: 0 | 1) {
    this.#broker = broker;
    this.#daemon = daemon;
    this.#lane = lane;
  }

  exchange(settle: readonly Settlement[], want: number) {
    const request: ExchangeRequest = {
      ...{ daemon: this.#daemon, lane: this.#lane, number: ++this.#number, leaseMs: 60_000, settle, want },
      ...{ alone: false, droppedResultTtlMs: 60_000, keepDead: { count: 100, ageMs: 60_000 } },
    };
    return this.#broker.exchange('bench', request);
  }

  async drain(): Promise<number> {
    let done = 0;
    let settle: Settlement[] = [];
    for (;;) {
      const reply = await this.exchange(settle, BATCH);
      if (reply.status !== 'done') throw new Error(reply.status);
      if (reply.jobs.length === 0) return done;
      done += reply.jobs.length;
      settle = reply.jobs.map(({ token }) => ({ type: 'ack', token }));
    }
  }
}

async function timed(name: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const line = [`${(count / ms).toFixed(1)} k/s`, `${((ms * 1000) / count).toFixed(2)} µs a job`];
  console.log(
    `${name.padEnd(44)} ${line.join(', ')}, CPU of all threads ${((user + system) / count).toFixed(2)} µs`,
  );
}

async function fill(broker: BrokerClient, batches: readonly ReturnType<typeof batchOf>[], inFlight: number) {
  const left = [...batches];
  const lane = async () => {
    for (let batch = left.pop(); batch !== undefined; batch = left.pop())
      await broker.enqueue('bench', batch);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

function quantiles(name: string, samples: number[]): void {
  samples.sort((a, b) => a - b);
  const at = (share: number) => (samples[Math.floor(samples.length * share)] ?? Number.NaN).toFixed(2);
  console.log(`${name.padEnd(44)} p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(0.9999)} ms`);
}

const broker = openBroker(place);
await broker.start();
const server = serveBroker({ broker, path: place.socket, clock: systemClock, log: silentLogger });
await server.start();
const client = openBrokerClient(place);
const daemon = newId();
await broker.open('bench', { daemon, leaseMs: 60_000 });
const lanes = [new Lane(broker, daemon, 0), new Lane(broker, daemon, 1)] as const;

const batches = () => Array.from({ length: JOBS / BATCH }, () => batchOf(BATCH));
const drain = () => Promise.all(lanes.map((lane) => lane.drain()));

for (const [name, target, inFlight] of [
  ['enqueue, in the daemon, 1 batch in flight', broker, 1],
  ['enqueue, in the daemon, 4 batches in flight', broker, 4],
  ['enqueue, through the socket, 1 in flight', client, 1],
  ['enqueue, through the socket, 4 in flight', client, 4],
] as const) {
  const made = batches();
  await timed(name, JOBS, () => fill(target, made, inFlight));
  await timed('  claim and settle, 2 lanes', JOBS, drain);
}
const made = batches();
await timed('enqueue, claim and settle at once', JOBS, async () => {
  let state: 'filling' | 'filled' = 'filling';
  const filling = fill(client, made, 4).then(() => {
    state = 'filled';
  });
  let done = 0;
  while (state === 'filling' || done < JOBS) {
    for (const count of await drain()) done += count;
    if (done < JOBS) await broker.wait(['bench'], AbortSignal.timeout(100));
  }
  await filling;
});
const single = Array.from({ length: 10_000 }, () => batchOf(1));
await timed('enqueue one by one, 500 callers', single.length, () => fill(client, single, 500));
await drain();

const pickup: number[] = [];
for (let n = 0; n < 1_000; n += 1) {
  const batch = batchOf(1);
  const start = performance.now();
  const stored = client.enqueue('bench', batch);
  let reply: Awaited<ReturnType<Lane['exchange']>>;
  do {
    await broker.wait(['bench'], AbortSignal.timeout(5_000));
    reply = await lanes[0].exchange([], 1);
    if (reply.status !== 'done') throw new Error(reply.status);
  } while (reply.jobs.length === 0);
  pickup.push(performance.now() - start);
  await stored;
  await lanes[0].exchange(
    reply.jobs.map(({ token }) => ({ type: 'ack', token })),
    0,
  );
  await systemClock.sleep(2);
}
quantiles('pickup when idle, socket to claimed', pickup);

await client.close();
await server.stop(AbortSignal.timeout(1_000));
await broker.close();
rmSync(directory, { recursive: true });
