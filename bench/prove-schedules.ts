/**
 * Proves that each tick is fired exactly once: three real daemons on one Redis fire ten schedules of different periods and
 * jitters; meanwhile one daemon is killed for good, another is stopped and started again. The count is the broker's (each
 * schedule has a queue of its own, and a tick's job an id of its own); that each job ran is told by its result. Ends with one
 * line, and with 1 when a tick was fired twice, skipped, or its job did not run.
 *
 *     npm run prove:schedules -- [--minutes 2]
 */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Broker } from '../src/broker/broker.ts';
import { openBroker } from '../src/broker/open.ts';
import { parseCron, type TickSource } from '../src/scheduler/cron.ts';
import { tickId } from '../src/scheduler/tick-id.ts';
import { dueAt, everyTicks } from '../src/scheduler/ticks.ts';
import { numberOf, readOptions } from '../test/support/command-line.ts';
import { startRedis } from '../test/support/redis-server.ts';
import { until } from '../test/support/until.ts';
import { type Daemon, ROOT, withSupervisor } from '../test/support/with-supervisor.ts';
import { quantile } from './proof/quantile.ts';

const USAGE = `Usage: npm run prove:schedules -- [options]

Three daemons fire ten schedules, one of them is killed, another stopped and started again.
1 when a tick was fired twice or skipped, or its job did not run.

  --minutes N   how long (2)
`;
const values = readOptions(USAGE, { minutes: { type: 'string', default: '2' } });
const lengthMs = numberOf(values, 'minutes') * 60_000;

interface Case {
  readonly name: string;
  readonly when: { readonly every: string } | { readonly cron: string; readonly timezone: string };
  readonly jitterMs: number;
  readonly ticks: TickSource;
}

const every = (seconds: number, jitterMs = 0): Case => ({
  name: `every-${seconds}s${jitterMs === 0 ? '' : '-jitter'}`,
  when: { every: `${seconds}s` },
  jitterMs,
  ticks: everyTicks(seconds * 1_000),
});
const cron = (name: string, expression: string, timezone: string): Case => {
  const parsed = parseCron(expression, timezone);
  if (!('ticks' in parsed)) throw new Error(parsed.problem);
  return { name, when: { cron: expression, timezone }, jitterMs: 0, ticks: parsed.ticks };
};
const cases: readonly Case[] = [
  ...[
    every(1),
    every(1, 900),
    every(2),
    every(2, 1_500),
    every(3),
    every(5, 2_000),
    every(7),
    every(10, 5_000),
  ],
  cron('each-minute', '* * * * *', 'Europe/Paris'),
  cron('each-minute-there', '* * * * *', 'America/New_York'),
];

/** Answers when it ran. */
const files = {
  'tasks.mjs': `import { defineTask } from ${JSON.stringify(pathToFileURL(join(ROOT, 'dist/index.js')).href)};
export const time = defineTask('time', { run: () => Date.now() });`,
};

const LONGEST_JITTER_MS = Math.max(...cases.map(({ jitterMs }) => jitterMs));

const server = await startRedis();
const broker = openBroker({ type: 'redis', url: server.url, namespace: 'proof' });
try {
  await broker.start();
  process.exitCode = await prove(broker, server.url);
} finally {
  await broker.close();
  await server.stop();
}

async function prove(broker: Broker, url: string): Promise<number> {
  // The first look seeds the marks: ticks are fired from there on.
  const begin = await marks(broker);
  const after = async (share: number) => {
    const end = Math.max(...begin) + share * lengthMs;
    const wait = end - Date.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  };
  const config = configuration(url);
  const withDaemon = (body: (daemon: Daemon) => Promise<void>) => withSupervisor(config, body, {}, files);
  await withDaemon((first) =>
    withDaemon((second) =>
      withDaemon(async (third) => {
        await disturb(second, third, after);
        await after(1);
        // Those that the killed daemon had in flight run elsewhere when its lease has passed.
        await awaitEnds(broker, ticksUpTo(begin, Date.now() - LONGEST_JITTER_MS - 1_000));
        await Promise.all([first.stop(), second.stop()]);
      }),
    ),
  );
  return verdict(broker, ticksUpTo(begin, await marks(broker)));
}

/** Kills the third daemon, stops and starts the second. */
async function disturb(
  second: Daemon,
  third: Daemon,
  after: (share: number) => Promise<void>,
): Promise<void> {
  await after(0.25);
  third.kill('SIGKILL');
  await third.exited;
  console.log('one daemon killed');
  await after(0.5);
  await second.stop();
  console.log('another stopped: one is left');
  await after(0.65);
  await second.start();
  console.log('it is started again');
}

function configuration(url: string): Record<string, unknown> {
  const schedules = cases.map(({ name, when, jitterMs }) => {
    const rest = { task: 'time', queue: name, overlap: 'allow', missed: 'all', jitter: `${jitterMs}ms` };
    return [name, { ...when, ...rest }];
  });
  const queues = cases.map(({ name }) => [name, { keep: { results: '1h' } }]);
  return {
    namespace: 'proof',
    tasks: ['./tasks.mjs'],
    broker: { type: 'redis', url, lease: '5s', heartbeat: '500ms' },
    pools: { io: { kind: 'async', concurrency: 50, queues: cases.map(({ name }) => name) } },
    queues: Object.fromEntries(queues),
    schedules: Object.fromEntries(schedules),
  };
}

function marks(broker: Broker): Promise<number[]> {
  return Promise.all(
    cases.map(async ({ name }) => (await broker.watermark(name, { schedule: name })).watermark.tick),
  );
}

interface Tick {
  readonly of: Case;
  readonly tick: number;
}

/** By the rule alone, as a person would write them down. */
function ticksUpTo(begin: readonly number[], end: number | readonly number[]): Tick[] {
  return cases.flatMap((of, at) => {
    const found: Tick[] = [];
    const last = typeof end === 'number' ? end : (end[at] ?? 0);
    let tick = of.ticks.next(begin[at] ?? 0);
    for (; tick !== null && tick <= last; tick = of.ticks.next(tick)) found.push({ of, tick });
    return found;
  });
}

async function awaitEnds(broker: Broker, ticks: readonly Tick[]): Promise<void> {
  for (const tick of ticks) {
    await until(async () => (await startOf(broker, tick)) !== null, 30_000).catch(() => {});
  }
}

/** When the job of a tick ran, Unix ms; null: it did not. */
async function startOf(broker: Broker, { of: { name }, tick }: Tick): Promise<number | null> {
  const [json] = await broker.results(name, [tickId(name, name, tick)]);
  return json == null ? null : (JSON.parse(json) as { result: number }).result;
}

async function verdict(broker: Broker, ticks: readonly Tick[]): Promise<number> {
  let [twice, skipped] = [0, 0];
  const late: number[] = [];
  for (const of of cases) {
    const own = ticks.filter((one) => one.of === of);
    const { enqueued } = (await broker.stats(of.name)).counters;
    const starts = await Promise.all(own.map(async (one) => [one.tick, await startOf(broker, one)] as const));
    const lost = starts.filter(([, start]) => start === null).length;
    // As many jobs as ticks, and each tick has its own: none more, none less.
    twice += Math.max(0, enqueued - own.length);
    skipped += lost;
    const delays = starts.flatMap(([tick, start]) =>
      start === null ? [] : [start - dueAt({ ...of }, tick)],
    );
    late.push(...delays);
    console.log(
      `${of.name.padEnd(20)} ${String(own.length).padStart(4)} ticks, ${enqueued} jobs, ${lost} without a run, ran after p50 ${quantile(delays, 0.5)} ms, longest ${quantile(delays, 1)} ms`,
    );
  }
  console.log(
    `${values.minutes} minutes, 3 daemons, ${cases.length} schedules: ${ticks.length} ticks, ${twice} fired twice, ${skipped} skipped; jobs ran after p50 ${quantile(late, 0.5)} ms, p95 ${quantile(late, 0.95)} ms, longest ${quantile(late, 1)} ms`,
  );
  return twice + skipped > 0 || ticks.length === 0 ? 1 : 0;
}
