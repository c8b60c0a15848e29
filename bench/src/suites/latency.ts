import { pickupBusy, pickupIdle, pickupMs } from '../measure/pickup.ts';
import { median, quantile } from '../measure/quantile.ts';
import { warmUp, warmUpSingly } from '../measure/warm-up.ts';
import { atMost, type Bar } from '../report/bars.ts';
import { short } from '../report/numbers.ts';
import type { Plot } from '../report/plot.ts';
import type { Table } from '../report/table.ts';
import { Arena } from './arena.ts';
import { BULLMQ, type Entrant, FORKLOOP_ASYNC } from './entrants.ts';
import { inTurn } from './in-turn.ts';
import { HEATS } from './latency-entrants.ts';
import { steady } from './steady.ts';
import type { Findings, Suite, SuiteContext } from './suite.ts';

const SUITE = 'latency';
const LOADS = ['idle', 'half load'] as const;
type LoadName = (typeof LOADS)[number];
const QUANTILES = [0.5, 0.95, 0.99] as const;
/** Of a distribution at most so many values go into the raw figures, evenly taken. */
const KEPT = 2_000;

interface Size {
  readonly rounds: number;
  /** Between the batches of the warm-up and the first job: some ten seconds after its start V8 collects what loading has left, once. */
  readonly restMs: number;
  readonly idleJobs: number;
  readonly busyMs: number;
  readonly paceMs: number;
}

const FULL: Size = {
  rounds: 3,
  restMs: 12_000,
  idleJobs: 1_000,
  busyMs: 5_000,
  paceMs: 3_000,
};
const QUICK: Size = { rounds: 1, restMs: 0, idleJobs: 150, busyMs: 1_500, paceMs: 1_000 };

/** For each contender and load the times of each round, ms. */
type Times = Map<string, number[][]>;

export const latency: Suite = {
  name: SUITE,
  title: 'Pickup: from the call of enqueue to the start of the handler',
  async run(context) {
    const size = context.quick ? QUICK : FULL;
    const rounds = context.rounds ?? size.rounds;
    const times: Record<LoadName, Times> = { idle: new Map(), 'half load': new Map() };
    const rates: number[] = [];
    const count = HEATS.reduce((sum, { entrants }) => sum + entrants.length, 0);
    const arena = new Arena(context.workspace);
    const progress = context.progress(HEATS.length + rounds * count);
    try {
      for (const { pace, entrants } of HEATS) {
        progress.step(`pace: ${pace.contender.name}`);
        const rate = (await paceOf(arena, pace, size.paceMs)) / 2;
        rates.push(rate);
        for (let round = 0; round < rounds; round++) {
          for (const entrant of inTurn(entrants, round)) {
            progress.step(entrant.contender.name);
            await measure(arena, entrant, { size, round, rate, context, times });
          }
        }
      }
    } finally {
      await arena.close();
    }
    progress.end();
    return findings(times, rates);
  },
};

/** Jobs a second that it enqueues and runs at once. */
function paceOf(arena: Arena, entrant: Entrant, ms: number): Promise<number> {
  return arena.with(entrant, async (stage) => {
    await warmUp(stage);
    const { count } = await steady(stage, 1, ms);
    return ((count.jobs - 1) * 1e6) / (count.lastUs - count.firstUs);
  });
}

interface Round {
  readonly size: Size;
  readonly round: number;
  readonly rate: number;
  readonly context: SuiteContext;
  readonly times: Record<LoadName, Times>;
}

async function measure(
  arena: Arena,
  entrant: Entrant,
  { size, round, rate, context, times }: Round,
): Promise<void> {
  const { name } = entrant.contender;
  const seed = context.seed + round;
  await arena.with(entrant, async (stage) => {
    await warmUp(stage);
    await new Promise((resolve) => setTimeout(resolve, size.restMs));
    // After the rest, so that the first jobs that count find what has just run.
    if (!context.quick) await warmUpSingly(stage);
    const taken: Record<LoadName, number[]> = {
      idle: await pickupIdle(stage, 2, size.idleJobs, seed),
      'half load': (await pickupBusy(stage, 3, rate, size.busyMs, seed)).map(pickupMs),
    };
    for (const load of LOADS) {
      times[load].set(name, [...(times[load].get(name) ?? []), taken[load]]);
      record(context, load, name, round, taken[load]);
    }
  });
}

function record(
  { figures }: SuiteContext,
  load: LoadName,
  contender: string,
  round: number,
  ms: readonly number[],
): void {
  for (const share of QUANTILES)
    figures.add({
      suite: SUITE,
      contender,
      figure: `${load}: ${nameOf(share)}`,
      unit: 'ms',
      round,
      value: quantile(ms, share),
    });
  const sorted = [...ms].sort((a, b) => a - b);
  const step = Math.max(1, sorted.length / KEPT);
  const kept = Array.from(
    { length: Math.floor(sorted.length / step) },
    (_, index) => sorted[Math.floor(index * step)],
  );
  figures.note({ type: 'samples', suite: SUITE, contender, load, round, count: ms.length, ms: kept });
}

const nameOf = (share: number): string => `p${share * 100}`;

/** The middle of the rounds' quantiles. */
const typical = (rounds: readonly (readonly number[])[] | undefined, share: number): number =>
  median((rounds ?? []).map((ms) => quantile(ms, share)));

function findings(times: Record<LoadName, Times>, rates: readonly number[]): Findings {
  return {
    tables: LOADS.map((load) => tableOf(load, times[load])),
    plots: LOADS.map((load) => plotOf(load, times[load])),
    bars: bars(times),
    notes: [
      `Half load: jobs arrive at random, as many a second for each contender of a kind: ${rates.map((rate, index) => `${short(rate)} (half of what ${HEATS[index]!.pace.contender.name} runs, measured before)`).join(', ')}. Both ends of a time are read from the same monotonic clock.`,
    ],
  };
}

function tableOf(load: LoadName, times: Times): Table {
  return {
    title: `Pickup, ${load}, ms`,
    head: ['', ...QUANTILES.map(nameOf), 'max', 'jobs'],
    rows: [...times].map(([name, rounds]) => [
      name,
      ...[...QUANTILES, 1].map((share) => short(typical(rounds, share))),
      String(rounds.reduce((sum, { length }) => sum + length, 0)),
    ]),
  };
}

function plotOf(load: LoadName, times: Times): Plot {
  return {
    type: 'distribution',
    title: `Pickup, ${load}, all rounds`,
    unit: 'ms',
    series: [...times].map(([label, rounds]) => ({ label, values: rounds.flat() })),
  };
}

function bars({ idle }: Record<LoadName, Times>): Bar[] {
  const [ours, theirs] = [idle.get(FORKLOOP_ASYNC), idle.get(BULLMQ)];
  return [
    atMost("idle, async pool: p50 ≤ 0.8 × BullMQ's", typical(ours, 0.5) / typical(theirs, 0.5), 0.8, ' ×'),
    atMost('idle, async pool: p50 ≤ 0.5 ms', typical(ours, 0.5), 0.5, ' ms'),
    atMost("idle, async pool: p99 below BullMQ's", typical(ours, 0.99) / typical(theirs, 0.99), 1, ' ×'),
  ];
}
