import type { Contender } from '../contenders/contender.ts';
import { type Arrival, burst, CPU_MS, IO_MS, idealTimes, openLoad } from '../measure/mixed-load.ts';
import { type LoopOrder, oneLoopTimes } from '../measure/one-loop.ts';
import { type Completion, play } from '../measure/play.ts';
import { mean, quantile } from '../measure/quantile.ts';
import { turnsFor } from '../measure/spin.ts';
import { warmUp, warmUpSingly } from '../measure/warm-up.ts';
import { atLeast, atMost, type Bar } from '../report/bars.ts';
import type { Plot } from '../report/plot.ts';
import type { Table } from '../report/table.ts';
import { Arena } from './arena.ts';
import { PROCESSES, SLOTS } from './entrants.ts';
import { inTurn } from './in-turn.ts';
import {
  BARE,
  BULLMQ_BOTH,
  FORKLOOP_BOTH,
  FORKLOOP_LONE_ASYNC,
  FORKLOOP_LONE_PROCESS,
  MIXED_CONTENDERS,
} from './mixed-entrants.ts';
import type { Findings, Suite, SuiteContext } from './suite.ts';

const SUITE = 'mixed';
const IDEAL = 'ideal';
/** What one event loop could do at best: a single async pool is compared with it. */
const LOOP_ORDERS: readonly LoopOrder[] = ['in order', 'waits first'];

interface Size {
  readonly rounds: number;
  readonly seconds: number;
  readonly burst: readonly [cpu: number, io: number];
}

const FULL: Size = { rounds: 3, seconds: 20, burst: [60, 600] };
const QUICK: Size = { rounds: 1, seconds: 5, burst: [20, 200] };

interface Load {
  readonly name: 'open load' | 'burst';
  readonly arrivals: readonly Arrival[];
  readonly ideal: readonly number[];
  readonly contenders: readonly Contender[];
}

/** All rounds of one contender under one load. */
type Results = Map<string, Completion[][]>;

export const mixed: Suite = {
  name: SUITE,
  title: 'Mixed load: jobs that compute and jobs that wait',
  async run(context) {
    const size = context.quick ? QUICK : FULL;
    const rounds = context.rounds ?? size.rounds;
    const loads = loadsOf(context.seed, size);
    const results = new Map(loads.map(({ name }) => [name, new Map() as Results]));
    const arena = new Arena(context.workspace);
    const progress = context.progress(rounds * loads.flatMap(({ contenders }) => contenders).length);
    try {
      const redis = await arena.server('off');
      for (let round = 0; round < rounds; round++) {
        for (const load of loads) {
          for (const contender of inTurn(load.contenders, round)) {
            progress.step(`${load.name}: ${contender.name}`);
            const ended = await arena.open(contender, redis, async (stage) => {
              await warmUp(stage, ['cpu', 'io']);
              if (!context.quick) await warmUpSingly(stage, ['cpu', 'io']);
              return play(load.arrivals, stage, 1, turnsFor(CPU_MS));
            });
            keep(results.get(load.name)!, contender.name, ended);
            record(context, load.name, contender.name, round, ended);
          }
        }
      }
    } finally {
      await arena.close();
    }
    progress.end();
    return findings(loads, results);
  },
};

function loadsOf(seed: number, size: Size): Load[] {
  const open = openLoad(seed, size.seconds);
  const all = burst(seed, ...size.burst);
  return [
    {
      name: 'open load',
      arrivals: open,
      ideal: idealTimes(open, PROCESSES, open.length),
      contenders: [...MIXED_CONTENDERS, BARE],
    },
    {
      name: 'burst',
      arrivals: all,
      ideal: idealTimes(all, PROCESSES, SLOTS),
      contenders: MIXED_CONTENDERS,
    },
  ];
}

function keep(results: Results, name: string, ended: Completion[]): void {
  results.set(name, [...(results.get(name) ?? []), ended]);
}

function record(
  { figures }: SuiteContext,
  load: string,
  contender: string,
  round: number,
  ended: Completion[],
) {
  const ms = (kind?: 'cpu' | 'io') =>
    ended.filter((one) => kind === undefined || one.kind === kind).map((one) => one.ms);
  for (const [figure, values] of [
    ['mean', ms()],
    ['mean, CPU jobs', ms('cpu')],
    ['mean, I/O jobs', ms('io')],
  ] as const)
    figures.add({
      suite: SUITE,
      contender,
      figure: `${load}: ${figure}`,
      unit: 'ms',
      round,
      value: mean(values),
    });
  figures.note({ type: 'samples', suite: SUITE, contender, load, round, completions: ended });
}

function findings(loads: readonly Load[], results: ReadonlyMap<string, Results>): Findings {
  return {
    tables: loads.map((load) => tableOf(load, results.get(load.name)!)),
    plots: loads.flatMap((load) => plotsOf(load, results.get(load.name)!)),
    bars: bars(loads, results),
    notes: [
      `Time to completion: from the planned arrival to the end of the handler, milliseconds. CPU jobs burn ${CPU_MS} ms of a core (calibrated before each turn, when the contender had nothing to do), I/O jobs wait 200 ms. Both pools: ${PROCESSES} processes and ${SLOTS} slots, for every contender. A process pool alone has 8 processes.`,
      `Ideal: CPU jobs in the order of arrival on ${PROCESSES} cores; I/O jobs without waiting (open load) or in ${SLOTS} slots (burst). It costs nothing to enqueue, move and settle in it. Own ideal: the same mean for handlers that take as long as this contender's took; where it is far above the ideal, other programs used the machine, or the contender itself did. Bare programs: the wakes of a job that comes alone, and nothing checked, counted, leased or kept. One loop: what an event loop that costs nothing makes of the open load, in the order in which jobs and the ends of waits get ready, or with I/O before CPU jobs; with how much a single async pool can be outdone lies between them.`,
    ],
  };
}

/** The round whose mean is the middle one. */
function typical(rounds: readonly (readonly Completion[])[]): readonly Completion[] {
  const byMean = [...rounds].sort((a, b) => meanOf(a) - meanOf(b));
  return byMean[Math.floor((byMean.length - 1) / 2)] ?? [];
}

const meanOf = (ended: readonly Completion[]): number => mean(ended.map(({ ms }) => ms));

function tableOf({ name, arrivals, ideal }: Load, results: Results): Table {
  const asCompletions = (times: readonly number[]) =>
    arrivals.map(({ kind }, index) => ({
      kind,
      ms: times[index]!,
      serviceMs: kind === 'cpu' ? CPU_MS : IO_MS,
    }));
  const slots = name === 'burst' ? SLOTS : arrivals.length;
  const row = (label: string, ended: readonly Completion[]) => {
    const of = (kind: 'cpu' | 'io') => ended.filter((one) => one.kind === kind).map(({ ms }) => ms);
    const all = ended.map(({ ms }) => ms);
    const values = [
      mean(all),
      mean(of('cpu')),
      mean(of('io')),
      ...[0.5, 0.95, 0.99, 1].map((q) => quantile(all, q)),
    ];
    const service = mean(ended.filter(({ kind }) => kind === 'cpu').map(({ serviceMs }) => serviceMs));
    const own = idealTimes(
      arrivals,
      PROCESSES,
      slots,
      ended.map(({ serviceMs }) => serviceMs),
    );
    return [label, ...[...values, service, mean(own)].map((value) => value.toFixed(0))];
  };
  return {
    title: `${name}: ${arrivals.length} jobs, time to completion in ms`,
    head: ['', 'mean', 'CPU', 'I/O', 'p50', 'p95', 'p99', 'max', 'CPU handler', 'own ideal'],
    rows: [
      row(IDEAL, asCompletions(ideal)),
      // In the burst pools have fewer slots than there are jobs, which this loop knows nothing of.
      ...(name === 'burst' ? [] : LOOP_ORDERS).map((order) =>
        row(`one loop, ${order}`, asCompletions(oneLoopTimes(arrivals, order))),
      ),
      ...[...results].map(([label, rounds]) => row(label, typical(rounds))),
    ],
  };
}

function plotsOf({ name, ideal }: Load, results: Results): Plot[] {
  const rounds = [...results];
  return [
    {
      type: 'distribution',
      title: `${name}: time to completion`,
      unit: 'ms',
      series: [
        ...rounds.map(([label, all]) => ({ label, values: typical(all).map(({ ms }) => ms) })),
        { label: IDEAL, values: ideal, dashed: true },
      ],
    },
    {
      type: 'strip',
      title: `${name}: mean time to completion`,
      unit: 'ms, each round',
      rows: [
        { label: IDEAL, values: [mean(ideal)] },
        ...rounds.map(([label, all]) => ({ label, values: all.map(meanOf) })),
      ],
    },
  ];
}

function bars(loads: readonly Load[], results: ReadonlyMap<string, Results>): Bar[] {
  const [open, all] = loads as [Load, Load];
  const of = (load: Load, name: string) => meanOf(typical(results.get(load.name)?.get(name) ?? []));
  const better = Math.min(of(open, FORKLOOP_LONE_PROCESS), of(open, FORKLOOP_LONE_ASYNC));
  const both = of(open, FORKLOOP_BOTH);
  return [
    atMost('open load, both pools: mean ≤ 1.03 × ideal', both / mean(open.ideal), 1.03, ' ×'),
    atMost("open load, both pools: mean below BullMQ's combination", both / of(open, BULLMQ_BOTH), 1, ' ×'),
    atMost('burst, both pools: mean ≤ 1.10 × ideal', of(all, FORKLOOP_BOTH) / mean(all.ideal), 1.1, ' ×'),
    atLeast('open load: both pools ≥ 20 × the better single pool', better / both, 20, ' ×'),
  ];
}
