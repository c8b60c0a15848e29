import { median } from '../measure/quantile.ts';
import { atMost, type Bar } from '../report/bars.ts';
import { short } from '../report/numbers.ts';
import type { Plot } from '../report/plot.ts';
import type { Table } from '../report/table.ts';
import { Arena } from './arena.ts';
import { FORKLOOP_ASYNC } from './entrants.ts';
import { AXES, type Axis } from './scale-axes.ts';
import type { Measuring, Point } from './scale-points.ts';
import type { Findings, Suite, SuiteContext } from './suite.ts';

const SUITE = 'scale';
const COLUMNS = [
  ['enqueueRedis', 'Redis, enqueue', 'µs/job'],
  ['runRedis', 'Redis, claim + settle', 'µs/job'],
  ['scripts', 'Redis, scripts only', 'µs/job'],
  ['enqueueProducer', 'producer', 'µs/job'],
  ['runWorkers', 'daemon', 'µs/job'],
  ['rate', 'jobs/s run', 'jobs/s'],
  ['bytes', 'bytes/waiting job', 'bytes/job'],
] as const satisfies readonly (readonly [keyof Point, string, string])[];

interface Size {
  readonly rounds: number;
  readonly jobs: number;
  readonly cycles: number;
}

const FULL: Size = { rounds: 3, jobs: 10_000, cycles: 5 };
const QUICK: Size = { rounds: 1, jobs: 4_000, cycles: 2 };

/** The rounds of each size of an axis. */
type Measured = Map<Axis, Map<number, Point[]>>;

export const scale: Suite = {
  name: SUITE,
  title: 'Scale: what a job costs as things grow',
  async run(context) {
    const size = context.quick ? QUICK : FULL;
    const rounds = context.rounds ?? size.rounds;
    const sizesOf = (axis: Axis) => (context.quick ? axis.quickSizes : axis.sizes);
    const measured: Measured = new Map(AXES.map((axis) => [axis, new Map()]));
    const arena = new Arena(context.workspace);
    const progress = context.progress(rounds * AXES.reduce((sum, axis) => sum + sizesOf(axis).length, 0));
    try {
      const redis = await arena.server('off');
      const measuring: Measuring = { arena, redis, workspace: context.workspace, ...size };
      for (let round = 0; round < rounds; round++) {
        for (const axis of AXES) {
          for (const value of sizesOf(axis)) {
            progress.step(`${axis.contender.name}: ${value.toLocaleString('en')} ${axis.unit}`);
            const point = await axis.measure(value, measuring);
            const points = measured.get(axis)!;
            points.set(value, [...(points.get(value) ?? []), point]);
            record(context, axis, value, round, point);
          }
        }
      }
    } finally {
      await arena.close();
    }
    progress.end();
    return findings(measured);
  },
};

function record({ figures }: SuiteContext, axis: Axis, size: number, round: number, point: Point): void {
  for (const [key, name, unit] of COLUMNS) {
    if (!Number.isFinite(point[key])) continue;
    const figure = `${size} ${axis.unit}: ${name}`;
    figures.add({ suite: SUITE, contender: axis.contender.name, figure, unit, round, value: point[key] });
  }
}

const middle = (points: readonly Point[] | undefined, key: keyof Point): number =>
  median((points ?? []).map((point) => point[key]));

function findings(measured: Measured): Findings {
  return {
    tables: [...measured].map(([axis, points]) => tableOf(axis, points)),
    plots: [...measured].flatMap(([axis, points]) => (points.size > 1 ? [plotOf(axis, points)] : [])),
    bars: bars(measured),
    notes: [
      'While a backlog waits, workers are held, some jobs enqueued, workers released until as many have been run, and again, so that the backlog stays as large as it is. Redis: CPU of its process; scripts only: what INFO commandstats counts for scripts, enqueue, claim and settle, too high where the cores are busy with other programs. Daemon: CPU of the daemons and their workers.',
      'On a Redis Cluster, Redis is all of its masters together. They, the daemons and the producer share the cores of one machine here: it shows what the cluster costs, not what three machines could carry.',
    ],
  };
}

function tableOf(axis: Axis, points: ReadonlyMap<number, readonly Point[]>): Table {
  return {
    title: `${axis.name}, ${axis.contender.name} (median of the rounds, µs of CPU a job)`,
    head: [axis.unit, ...COLUMNS.map(([, name]) => name)],
    rows: [...points].map(([size, rounds]) => [
      size.toLocaleString('en'),
      ...COLUMNS.map(([key]) => short(middle(rounds, key))),
    ]),
  };
}

function plotOf(axis: Axis, points: ReadonlyMap<number, readonly Point[]>): Plot {
  const line = (label: string, key: keyof Point) => ({
    label,
    points: [...points].map(([size, rounds]) => [size, middle(rounds, key)] as const),
  });
  return {
    type: 'line',
    title: `${axis.contender.name}: CPU per job by ${axis.name}`,
    unit: 'µs/job',
    x: axis.unit,
    series: [
      line('daemon', 'runWorkers'),
      line('producer', 'enqueueProducer'),
      line('Redis, claim + settle', 'runRedis'),
      line('Redis, enqueue', 'enqueueRedis'),
    ],
  };
}

function bars(measured: Measured): Bar[] {
  const [axis, points] = [...measured].find(
    ([{ name, contender }]) => name === 'backlog' && contender.name === FORKLOOP_ASYNC,
  )!;
  const total = (size: number) =>
    middle(points.get(size), 'enqueueRedis') +
    middle(points.get(size), 'runRedis') +
    middle(points.get(size), 'runWorkers');
  const sizes = [...points.keys()];
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const grown = total(most) / total(least);
  return [
    {
      bar: 'a backlog of 1 million jobs against 10 thousand: ≤ 1.1 × the cost per job (Redis and daemon)',
      figure: `${short(grown)} × (${most.toLocaleString('en')} against ${least.toLocaleString('en')} ${axis.unit})`,
      met: most >= 1_000_000 ? grown <= 1.1 : null,
    },
    atMost(
      'Redis memory per waiting 200-byte job ≤ 340 bytes',
      middle(points.get(most), 'bytes'),
      340,
      ' bytes',
    ),
  ];
}
