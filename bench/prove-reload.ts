/**
 * Proves that reloads under load lose and repeat nothing, and what they cost. A real daemon with pools of all kinds runs an
 * open load; turns with a reload (SIGHUP; edited YAML and edited code, so that every worker is replaced) and turns without
 * one alternate, each pair with the same jobs at the same times. Ends with one line, and with 1 when something was lost or
 * repeated, a reload did not take effect, or its price is above --most.
 *
 *     npm run prove:reload -- [--broker embedded|redis] [--jobs 5000] [--reloads 10] [--rate 50] [--busy 50] [--most 1.3]
 *
 * --jobs: with reloads; as many run without. --rate: jobs a second. --busy: percent of the machine's cores that the jobs of
 * the process pool take. --most: ratio of the 95th percentiles of job time, from the call
 * of enqueue to the end of the handler; of each kind of turn the median counts.
 */

import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type Client, createClient } from '../src/index.ts';
import { brokerOf, countOf, numberOf, readOptions } from '../test/support/command-line.ts';
import { startRedis } from '../test/support/redis-server.ts';
import { until } from '../test/support/until.ts';
import { type Daemon, withSupervisor } from '../test/support/with-supervisor.ts';
import { mixedTasks, turnsFor } from './proof/mixed-tasks.ts';
import { awaitEnds, type EndedJob, type LoadKind, type SentJob, sendLoad } from './proof/open-load.ts';
import { quantile } from './proof/quantile.ts';

const USAGE = `Usage: npm run prove:reload -- [options]

Reloads under load: what they lose, repeat and cost. 1 when anything was lost or repeated, a
reload did not take effect, or its price is above --most.

  --broker B    embedded or redis (embedded)
  --jobs N      with reloads; as many run without (5000)
  --reloads N   (10)
  --rate N      jobs a second (50)
  --busy N      percent of the machine's cores that jobs of the process pool take (50)
  --most N      ratio of the 95th percentiles of job time, with reloads and without (1.3)
`;

const values = readOptions(USAGE, {
  broker: { type: 'string', default: 'embedded' },
  jobs: { type: 'string', default: '5000' },
  reloads: { type: 'string', default: '10' },
  rate: { type: 'string', default: '50' },
  busy: { type: 'string', default: '50' },
  most: { type: 'string', default: '1.3' },
});
const broker = brokerOf(values.broker);
const [jobs, reloads, rate] = [countOf(values, 'jobs'), countOf(values, 'reloads'), countOf(values, 'rate')];
const most = numberOf(values, 'most');
const cores = availableParallelism();

const CPU_SHARE = 0.5;
const burnMs = (cores * numberOf(values, 'busy') * 10) / (rate * CPU_SHARE);
const kinds: readonly LoadKind[] = [
  { queue: 'forked', task: 'burn', input: turnsFor(burnMs), share: CPU_SHARE },
  { queue: 'thread', task: 'rest', input: 20, share: 0.25 },
  { queue: 'child', task: 'rest', input: 20, share: 0.25 },
];
const configOn = (broker: Record<string, unknown>) => ({
  ...{ broker, tasks: ['./tasks.mjs'], defaults: { timeout: '30s', retry: { attempts: 1 } } },
  pools: {
    forked: { kind: 'process', workers: cores, queues: ['forked'] },
    thread: { kind: 'async', concurrency: 100, queues: ['thread'] },
    child: { kind: 'async', host: 'process', concurrency: 100, queues: ['child'] },
  },
});

interface Turn {
  readonly reload: number | null;
  readonly sent: readonly SentJob[];
  readonly ended: readonly EndedJob[];
}

console.log(
  `${cores} cores, ${rate} jobs a second: half burn ${burnMs.toFixed(0)} ms of CPU in ${cores} processes, half wait 20 ms in a thread or a child`,
);
const server = broker === 'redis' ? await startRedis() : null;
try {
  const broker = server === null ? { type: 'embedded', path: 'jobs.db' } : { type: 'redis', url: server.url };
  const files = { 'tasks.mjs': mixedTasks('v0', 'runs.log') };
  process.exitCode = await withSupervisor(configOn(broker), prove, {}, files);
} finally {
  await server?.stop();
}

async function prove(daemon: Daemon): Promise<number> {
  const runs = join(daemon.folder, 'runs.log');
  await writeFile(join(daemon.folder, 'tasks.mjs'), mixedTasks('v0', runs));
  await using client = createClient({ config: daemon.configPath });
  await reload(daemon, 0, runs);
  await awaitEnds(await sendLoad(client, { kinds, rate, seed: 0 }, rate * 2, () => false));
  const turns: Turn[] = [];
  for (let number = 1; number <= reloads; number++) {
    // The order changes from pair to pair: what grows with time must not look like a price.
    const pair = number % 2 === 0 ? [number, null] : [null, number];
    for (const which of pair) {
      turns.push(await takeTurn(client, daemon, which, number, runs));
    }
    const [first, second] = turns.slice(-2);
    const [with_, without] = first?.reload === null ? [second, first] : [first, second];
    console.log(`reload ${number}: p95 ${p95([with_!])} ms, without ${p95([without!])} ms`);
  }
  return verdict(turns, readFileSync(runs, 'utf8').split('\n'));
}

/** As long as its jobs last, and as its reload. */
async function takeTurn(
  client: Client,
  daemon: Daemon,
  which: number | null,
  seed: number,
  runs: string,
): Promise<Turn> {
  let reloading = which !== null;
  const load = sendLoad(client, { kinds, rate, seed }, Math.ceil(jobs / reloads), () => reloading);
  try {
    if (which !== null) await reload(daemon, which, runs);
  } finally {
    reloading = false;
  }
  const sent = await load;
  return { reload: which, sent, ended: await awaitEnds(sent) };
}

/** Edits file and code, asks by SIGHUP, and waits until all of it is in force. */
async function reload(daemon: Daemon, number: number, runs: string): Promise<void> {
  const file = parse(await readFile(daemon.configPath, 'utf8'));
  file.shutdown = { drain_timeout: `${60 + number}s` };
  file.pools.thread.concurrency = 100 + number;
  await writeFile(join(daemon.folder, 'tasks.mjs'), mixedTasks(`v${number}`, runs));
  await writeFile(daemon.configPath, stringify(file));
  const { generation } = (await daemon.status()).config;
  daemon.kill('SIGHUP');
  await until(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { config } = await daemon.status();
    if (config.last_reload !== null && config.last_reload.outcome !== 'applied')
      throw new Error(`reload ${number}: ${config.last_reload.outcome}: ${config.last_reload.message}`);
    return config.generation > generation;
  }, 120_000);
}

function verdict(turns: readonly Turn[], runs: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const id of runs) counts.set(id, (counts.get(id) ?? 0) + 1);
  const sent = turns.flatMap((turn) => turn.sent);
  const ended = turns.flatMap((turn) => turn.ended);
  const lost = sent.length - ended.length;
  const repeated = sent.filter(({ handle }) => (counts.get(handle.id) ?? 0) > 1).length;
  const seen = new Set(ended.map(({ queue, version }) => `${queue} ${version}`));
  const missing = turns.flatMap(({ reload }) =>
    reload === null ? [] : kinds.map(({ queue }) => `${queue} v${reload}`).filter((one) => !seen.has(one)),
  );
  const [with_, without] = [
    turns.filter(({ reload }) => reload !== null),
    turns.filter(({ reload }) => reload === null),
  ];
  for (const { queue } of kinds) {
    console.log(
      `${queue}: p50 ${p(0.5, with_, queue)} ms, p95 ${p(0.95, with_, queue)} ms, longest ${p(1, with_, queue)} ms; without reloads ${p(0.5, without, queue)}, ${p(0.95, without, queue)}, ${p(1, without, queue)} ms`,
    );
  }
  if (missing.length > 0) console.log(`code that no job ran: ${missing.join(', ')}`);
  const ratio = p95(with_) / p95(without);
  console.log(
    `${broker}: ${sent.length} jobs, ${with_.length} reloads, ${lost} lost, ${repeated} repeated, p95 ${p95(with_)} ms with reloads, ${p95(without)} ms without, ratio ${ratio.toFixed(2)}`,
  );
  return lost + repeated + missing.length > 0 || ratio > most ? 1 : 0;
}

function p(share: number, turns: readonly Turn[], queue: string): number {
  return quantile(
    turns.flatMap(({ ended }) => ended.filter((one) => one.queue === queue).map(({ ms }) => ms)),
    share,
  );
}

/** The median of the turns: what else the machine does in one of them must not decide. */
function p95(turns: readonly Turn[]): number {
  const each = turns.map(({ ended }) =>
    quantile(
      ended.map(({ ms }) => ms),
      0.95,
    ),
  );
  return quantile(each, 0.5);
}
