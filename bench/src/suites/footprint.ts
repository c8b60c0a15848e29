import { bullmq } from '../contenders/bullmq.ts';
import {
  type Idling,
  LEFT_MS,
  measureBareChild,
  measureBusyDrain,
  measurePeer,
  measureStanding,
  type Rest,
  type Standing,
} from '../measure/footprint.ts';
import { mean, median } from '../measure/quantile.ts';
import { atMost, type Bar } from '../report/bars.ts';
import type { Figures } from '../report/figures.ts';
import { short } from '../report/numbers.ts';
import type { Plot } from '../report/plot.ts';
import type { Table } from '../report/table.ts';
import { Arena } from './arena.ts';
import { asyncPool, PROCESSES, processPool } from './entrants.ts';
import type { Findings, Suite, SuiteContext } from './suite.ts';

const SUITE = 'footprint';
const MIB = 1024 * 1024;
const BARE = 'bare Node child';
const PEER = 'BullMQ, sandboxed + in-process';
/** Jobs that run when a daemon is told to stop. */
const RUNNING = 100;

interface Size extends Idling {
  readonly rounds: number;
}

const FULL: Size = { rounds: 5, restMs: 30_000, idleMs: 20_000 };
const QUICK: Size = { rounds: 2, restMs: 2_000, idleMs: 3_000 };

const BOTH = [processPool(PROCESSES, 'cpu'), asyncPool(100, 'io')];
/** The same without the async pool's thread: the difference is what a thread takes. */
const WITHOUT_THREAD = [processPool(PROCESSES, 'cpu')];

const LAYOUTS = [
  { name: 'Redis, both pools', pools: BOTH, store: 'redis' },
  { name: 'Redis, process pool only', pools: WITHOUT_THREAD, store: 'redis' },
  { name: 'embedded, both pools', pools: BOTH, store: 'embedded' },
] as const;
const peer = bullmq({ name: PEER, pools: BOTH });
const [ON_REDIS, THREADLESS] = [LAYOUTS[0].name, LAYOUTS[1].name];

const FIGURES = [
  ['start to ready', 'ms'],
  ['idle CPU', '% of a core'],
  ['reload, all workers replaced', 'ms'],
  ['drain, idle', 'ms'],
  ['drain, 100 jobs running', 'ms'],
  ['master RSS', 'MiB'],
  ['master private', 'MiB'],
  ['child RSS', 'MiB'],
  ['child private', 'MiB'],
] as const;
type FigureName = (typeof FIGURES)[number][0];

export const footprint: Suite = {
  name: SUITE,
  title: 'Footprint: a daemon with nothing to do',
  async run(context) {
    const size = context.quick ? QUICK : FULL;
    const rounds = context.rounds ?? size.rounds;
    const arena = new Arena(context.workspace);
    const progress = context.progress(rounds * (LAYOUTS.length + 2));
    try {
      const server = await arena.server('off');
      for (let round = 0; round < rounds; round++) {
        progress.step(BARE);
        const bare = await measureBareChild(context.workspace);
        add(context, BARE, round, 'child RSS', bare.rss / MIB);
        add(context, BARE, round, 'child private', bare.private / MIB);
        progress.step(PEER);
        await server.empty();
        const { workspace } = context;
        const probe = () => workspace.folder('probe');
        const rest = await measurePeer(peer, { workspace, redis: server, probe: probe() }, size);
        recordRest(context, PEER, round, rest);
        for (const { name, pools, store } of LAYOUTS) {
          progress.step(name);
          await server.empty();
          const redis = store === 'redis' ? server : null;
          const site = { workspace, redis, probe: probe() };
          record(context, name, round, await measureStanding(pools, site, size));
          if (pools.every(({ kind }) => kind !== 'async')) continue;
          const drainMs = await measureBusyDrain(pools, site, 'io', RUNNING);
          add(context, name, round, 'drain, 100 jobs running', drainMs);
        }
      }
    } finally {
      await arena.close();
    }
    progress.end();
    return findings(context.figures);
  },
};

function record(context: SuiteContext, contender: string, round: number, standing: Standing): void {
  add(context, contender, round, 'start to ready', standing.readyMs);
  add(context, contender, round, 'reload, all workers replaced', standing.reloadMs);
  add(context, contender, round, 'drain, idle', standing.drainMs);
  recordRest(context, contender, round, standing);
}

function recordRest(context: SuiteContext, contender: string, round: number, rest: Rest): void {
  const { idlePercent, master, children } = rest;
  const values = {
    'idle CPU': idlePercent,
    'master RSS': master.rss / MIB,
    'master private': master.private / MIB,
    'child RSS': mean(children.map(({ rss }) => rss / MIB)),
    'child private': mean(children.map((child) => child.private / MIB)),
  };
  for (const [figure, value] of Object.entries(values))
    add(context, contender, round, figure as FigureName, value);
}

function add(
  { figures }: SuiteContext,
  contender: string,
  round: number,
  figure: FigureName,
  value: number,
): void {
  const unit = FIGURES.find(([name]) => name === figure)![1];
  figures.add({ suite: SUITE, contender, figure, unit, round, value });
}

function findings(figures: Figures): Findings {
  const names = [...LAYOUTS.map(({ name }) => name as string), PEER, BARE];
  return {
    tables: [tableOf(figures, names)],
    plots: FIGURES.map(
      ([figure, unit]): Plot => ({
        type: 'strip',
        title: figure,
        unit: `${unit}, each round`,
        rows: names.map((label) => ({ label, values: figures.values(SUITE, label, figure) })),
      }),
    ),
    bars: bars(figures),
    notes: [
      `${PROCESSES} process workers and one async pool in a thread. Start to ready: from spawn to the first answer of the control socket that it is running. Idle CPU: all its processes, by the scheduler's count. Private: pages that no other process shares; RSS counts shared ones in each process. Drain with jobs running: each has ${LEFT_MS} ms to go when the daemon is told to stop. BullMQ has run some jobs before, for its sandbox forks at the first ones. What the thread of an async pool takes: ${short(threadOf(figures))} MiB (the master with it against the master without it, private).`,
    ],
  };
}

const of = (figures: Figures, name: string, figure: FigureName): number =>
  median(figures.values(SUITE, name, figure));

const threadOf = (figures: Figures): number =>
  of(figures, ON_REDIS, 'master private') - of(figures, THREADLESS, 'master private');

function tableOf(figures: Figures, names: readonly string[]): Table {
  return {
    title: 'Median of the rounds',
    head: ['', ...names],
    rows: FIGURES.map(([figure, unit]) => [
      `${figure}, ${unit}`,
      ...names.map((name) => short(of(figures, name, figure))),
    ]),
  };
}

function bars(figures: Figures): Bar[] {
  const above = of(figures, ON_REDIS, 'child private') - of(figures, BARE, 'child private');
  return [
    atMost(
      'start to ready, 2 process workers + 1 async pool ≤ 600 ms',
      of(figures, ON_REDIS, 'start to ready'),
      600,
      ' ms',
    ),
    atMost('idle CPU ≤ 0.5 % of a core', of(figures, ON_REDIS, 'idle CPU'), 0.5, ' %'),
    atMost(
      'idle process worker: private memory ≤ 15 MB above a bare Node child',
      (above * MIB) / 1e6,
      15,
      ' MB',
    ),
  ];
}
