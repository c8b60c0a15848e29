/**
 * No-op deliveries per second through each kind of pool, fed in batches as large as it takes them, and the memory of an idle
 * child. Run it compiled or by `npx tsx bench/pools.ts`; it ends by itself within half a minute.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PoolOptions } from '../src/pool/open.ts';
import type { Delivery, Pool } from '../src/pool/pool.ts';

const root =
  process.argv[2] === undefined ? new URL('../src/', import.meta.url) : pathToFileURL(`${process.argv[2]}/`);
const { createPool } = (await import(new URL('pool/open.ts', root).href).catch(
  () => import(new URL('pool/open.js', root).href),
)) as typeof import('../src/pool/open.ts');
const { silentLogger } = (await import(new URL('lib/logger.ts', root).href).catch(
  () => import(new URL('lib/logger.js', root).href),
)) as typeof import('../src/lib/logger.ts');

const SECONDS = 3;
const modules = [fileURLToPath(new URL('../test/fixtures/tasks/noop.mjs', import.meta.url))];
const restart = {
  initial: 100,
  factor: 2,
  max: 30_000,
  jitter: 0.25,
  stableAfter: 10_000,
  intensity: 5,
  period: 60_000,
};
const common = {
  queues: ['q'],
  modules,
  required: true,
  readyTimeout: 30_000,
  blockTimeout: 10_000,
  coldGrace: 1_000,
  restart,
};

const pools: readonly PoolOptions[] = [
  { name: 'process, 1 child', kind: 'process', workers: 1, concurrency: 1, ...common },
  { name: 'process, 2 children', kind: 'process', workers: 2, concurrency: 1, ...common },
  { name: 'async thread, 256', kind: 'async', host: 'thread', workers: 1, concurrency: 256, ...common },
  { name: 'async process, 256', kind: 'async', host: 'process', workers: 1, concurrency: 256, ...common },
];

for (const options of pools) {
  const pool = createPool(options, { random: Math.random, logger: silentLogger });
  const begun = performance.now();
  await pool.start();
  const readyMs = performance.now() - begun;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const memory = options.host === 'thread' ? 'in the master' : memoryOf(pool.status().workers[0]?.pid ?? 0);
  const { rate, cpu } = await measure(pool);
  console.log(
    `${options.name.padEnd(22)} ${Math.round(rate)} jobs/s  master ${cpu.toFixed(1)} µs CPU a job  ready ${Math.round(readyMs)} ms  idle child ${memory}`,
  );
  await pool.stop(AbortSignal.abort());
}

async function measure(pool: Pool): Promise<{ rate: number; cpu: number }> {
  let ended = 0;
  let count = 0;
  let feeding = true;
  const feed = () => {
    if (!feeding || pool.free === 0) return;
    pool.run(Array.from({ length: pool.free }, () => delivery(++count)));
  };
  pool.onEnded((batch) => {
    ended += batch.length;
    feed();
  });
  pool.onFree(feed);
  feed();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const [before, begun, cpu] = [ended, performance.now(), process.cpuUsage()];
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000));
  const done = ended - before;
  const { user, system } = process.cpuUsage(cpu);
  feeding = false;
  return { rate: (done * 1_000) / (performance.now() - begun), cpu: (user + system) / done };
}

function delivery(number: number): Delivery {
  return {
    token: `t${number}`,
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    task: 'noop',
    queue: 'q',
    attempt: 1,
    fence: 1,
    input: '{"device":"d-17","from":[48.85,2.35],"to":[48.87,2.29],"at":"2024-05-01T12:00:00.000Z"}',
    timeoutMs: 60_000,
    killAfterMs: 5_000,
    maxResultBytes: 1_048_576,
    alone: false,
    headers: {},
  };
}

function memoryOf(pid: number): string {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0);
  const privateMb = (kib('Private_Dirty') + kib('Private_Clean')) / 1024;
  return `${(kib('Rss') / 1024).toFixed(0)} MB RSS, ${privateMb.toFixed(0)} MB private`;
}
