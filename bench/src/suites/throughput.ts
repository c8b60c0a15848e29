import { callers, noops } from '../measure/load.ts';
import { startMeter, type Use } from '../measure/meter.ts';
import { warmUp } from '../measure/warm-up.ts';
import { atLeast, atMost, type Bar } from '../report/bars.ts';
import type { Figures } from '../report/figures.ts';
import { short } from '../report/numbers.ts';
import type { Plot } from '../report/plot.ts';
import type { Table } from '../report/table.ts';
import { Arena, type Stage } from './arena.ts';
import {
  BEE,
  BULLMQ,
  BULLMQ_SANDBOX,
  type Entrant,
  FORKLOOP_ASYNC,
  FORKLOOP_EMBEDDED,
  FORKLOOP_PROCESS,
  MAIN_ENTRANTS,
  MORE_ENTRANTS,
} from './entrants.ts';
import { inTurn } from './in-turn.ts';
import { steady } from './steady.ts';
import type { Findings, Suite, SuiteContext } from './suite.ts';

const SUITE = 'throughput';
/** Figures in jobs per second, in the order of a round. */
const RATES = ['single, 1 caller', 'single, 500 callers', 'bulk', 'drain', 'steady'] as const;
type Rate = (typeof RATES)[number];
const COSTS = ['Redis scripts', 'Redis process', 'producer', 'workers'] as const;

interface Size {
  readonly rounds: number;
  /** Jobs in bulk, of the fastest. */
  readonly jobs: number;
  readonly callersMs: number;
  readonly steadyMs: number;
}

const FULL: Size = { rounds: 3, jobs: 200_000, callersMs: 2_000, steadyMs: 5_000 };
const QUICK: Size = { rounds: 1, jobs: 40_000, callersMs: 500, steadyMs: 1_500 };

export const throughput: Suite = {
  name: SUITE,
  title: 'Throughput: no-op jobs of 200 bytes',
  async run(context) {
    const size = context.quick ? QUICK : FULL;
    const rounds = context.rounds ?? size.rounds;
    const entrants = context.quick ? MAIN_ENTRANTS : [...MAIN_ENTRANTS, ...MORE_ENTRANTS];
    const arena = new Arena(context.workspace);
    const progress = context.progress(rounds * entrants.length);
    try {
      for (let round = 0; round < rounds; round++) {
        for (const entrant of inTurn(entrants, round)) {
          progress.step(entrant.contender.name);
          await arena.with(entrant, (stage) => measure(stage, entrant, size, round, context));
        }
      }
    } finally {
      await arena.close();
    }
    progress.end();
    return findings(context.figures, entrants);
  },
};

/** One contender's round: a backlog is built up while workers are held, drained, then jobs come and go at once. */
async function measure(
  { system, tally, redis }: Stage,
  { contender, share }: Entrant,
  size: Size,
  round: number,
  { figures }: SuiteContext,
): Promise<void> {
  const add = (figure: string, unit: string, value: number) =>
    figures.add({ suite: SUITE, contender: contender.name, figure, unit, round, value });
  const rate = (figure: Rate, jobs: number, us: number) => add(figure, 'jobs/s', (jobs * 1e6) / us);
  const cost = (step: string, jobs: number, use: Use) => {
    add(`${step}: Redis scripts`, 'µs/job', use.scriptUs / jobs);
    add(`${step}: Redis process`, 'µs/job', use.redisUs / jobs);
    add(`${step}: producer`, 'µs/job', use.producerUs / jobs);
    add(`${step}: workers`, 'µs/job', use.workersUs / jobs);
  };

  await warmUp({ system, tally });
  await system.hold();
  let waiting = 0;
  for (const [name, count] of [
    ['single, 1 caller', 1],
    ['single, 500 callers', 500],
  ] as const) {
    const begun = performance.now();
    const jobs = await callers(system, count, size.callersMs, noops(1, 1)[0]!);
    rate(name, jobs, (performance.now() - begun) * 1_000);
    waiting += jobs;
  }

  const inputs = noops(1, Math.round(size.jobs * share));
  let stop = await startMeter([], redis);
  await system.enqueueMany(inputs);
  const bulk = await stop();
  rate('bulk', inputs.length, bulk.wallUs);
  cost('enqueue', inputs.length, bulk);
  waiting += inputs.length;

  stop = await startMeter(system.pids(), redis);
  await system.release();
  const { jobs, firstUs, lastUs } = await tally.until(1, waiting);
  rate('drain', jobs - 1, lastUs - firstUs);
  cost('run', jobs, await stop());
  const { count, use } = await steady({ system, tally, redis }, 2, size.steadyMs);
  rate('steady', count.jobs - 1, count.lastUs - count.firstUs);
  cost('steady', count.jobs, use);
}

function findings(figures: Figures, entrants: readonly Entrant[]): Findings {
  const names = entrants.map(({ contender }) => contender.name);
  return {
    tables: [ratesTable(figures, names), costsTable(figures, names)],
    plots: RATES.map(
      (rate): Plot => ({
        type: 'strip',
        title: rateTitle(rate),
        unit: 'jobs/s',
        rows: names.map((label) => ({ label, values: figures.values(SUITE, label, rate) })),
      }),
    ),
    bars: bars(figures),
    notes: [
      'Drain and steady are measured in the handlers, from the end of the first job to the end of the last. 100 slots on one event loop, or 2 processes, for every contender; workers are in a process of their own, one process enqueues. BullMQ adds and bee-queue saves 1,000 jobs a call, forkloop is given 10,000.',
      'Redis process: all its CPU time, sockets and the AOF included. Redis scripts: what INFO commandstats counts for scripts and transactions; it counts time that has passed, so that it is too high where the cores are busy with other programs. On a machine of two cores Redis, producer and workers share them.',
    ],
  };
}

const rateTitle = (rate: Rate): string =>
  ({
    'single, 1 caller': 'Enqueue one at a time, awaited',
    'single, 500 callers': 'Enqueue, 500 callers awaiting',
    bulk: 'Bulk enqueue',
    drain: 'Drain of a backlog',
    steady: 'Enqueue and run at once',
  })[rate];

function ratesTable(figures: Figures, names: readonly string[]): Table {
  return {
    title: 'Jobs per second (median of the rounds)',
    head: ['', ...RATES],
    rows: names.map((name) => [name, ...RATES.map((rate) => short(figures.median(SUITE, name, rate)))]),
  };
}

function costsTable(figures: Figures, names: readonly string[]): Table {
  const columns = [...COSTS.map((cost) => `enqueue: ${cost}`), ...COSTS.map((cost) => `run: ${cost}`)].filter(
    (column) => column !== 'enqueue: workers' && column !== 'run: producer',
  );
  return {
    title: 'CPU, microseconds per job; all: Redis process, producer and workers, enqueue and run',
    head: ['', ...columns, 'all'],
    rows: names.map((name) => [
      name,
      ...columns.map((column) => short(figures.median(SUITE, name, column))),
      short(allOf(figures, name)),
    ]),
  };
}

/** What a job costs in all: the ratio of two such sums holds on a busy machine, too. */
function allOf(figures: Figures, name: string): number {
  return ['enqueue: Redis process', 'enqueue: producer', 'run: Redis process', 'run: workers'].reduce(
    (sum, figure) => sum + figures.median(SUITE, name, figure),
    0,
  );
}

function bars(figures: Figures): Bar[] {
  const of = (name: string, figure: string) => figures.median(SUITE, name, figure);
  const ratio = (a: string, b: string, figure: string) => of(a, figure) / of(b, figure);
  const redisUs = (what: string) =>
    of(FORKLOOP_ASYNC, `enqueue: ${what}`) + of(FORKLOOP_ASYNC, `run: ${what}`);
  return [
    atLeast(
      'async pool, Redis: drain ≥ 5 × BullMQ in-process',
      ratio(FORKLOOP_ASYNC, BULLMQ, 'drain'),
      5,
      ' ×',
    ),
    atLeast(
      'async pool, Redis: steady ≥ 5 × BullMQ in-process',
      ratio(FORKLOOP_ASYNC, BULLMQ, 'steady'),
      5,
      ' ×',
    ),
    atLeast('bulk enqueue ≥ 6 × BullMQ addBulk', ratio(FORKLOOP_ASYNC, BULLMQ, 'bulk'), 6, ' ×'),
    atLeast('bulk enqueue ≥ 2.5 × bee-queue saveAll', ratio(FORKLOOP_ASYNC, BEE, 'bulk'), 2.5, ' ×'),
    atLeast('500 callers ≥ 4 × BullMQ add', ratio(FORKLOOP_ASYNC, BULLMQ, 'single, 500 callers'), 4, ' ×'),
    atLeast(
      'embedded, synced: drain ≥ 2 × BullMQ on Redis',
      ratio(FORKLOOP_EMBEDDED, BULLMQ, 'drain'),
      2,
      ' ×',
    ),
    atLeast(
      'process pool: drain ≥ 3 × BullMQ sandboxed',
      ratio(FORKLOOP_PROCESS, BULLMQ_SANDBOX, 'drain'),
      3,
      ' ×',
    ),
    atMost(
      'Redis CPU per job, enqueue + claim + settle ≤ 3.5 µs, whole process',
      redisUs('Redis process'),
      3.5,
      ' µs',
    ),
    atMost('the same, within scripts', redisUs('Redis scripts'), 3.5, ' µs'),
  ];
}
