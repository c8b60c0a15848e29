import type { PoolLayout } from '../contenders/contender.ts';
import { forkloop } from '../contenders/forkloop.ts';
import { type Pickup, pickupBusy, pickupMs } from '../measure/pickup.ts';
import { quantile } from '../measure/quantile.ts';
import { turnsFor } from '../measure/spin.ts';
import type { Stamp } from '../measure/tally.ts';
import { warmUp } from '../measure/warm-up.ts';
import type { JobInput } from '../programs/job-input.ts';
import { atLeast, atMost } from '../report/bars.ts';
import { short } from '../report/numbers.ts';
import type { Stage } from './arena.ts';
import { FORKLOOP_ASYNC, FORKLOOP_PROCESS, PROCESSES, SLOTS } from './entrants.ts';
import type { Part, Surroundings } from './isolation-part.ts';
import { Samples, SHARES } from './samples.ts';
import type { Findings } from './suite.ts';

const FLOOD = 50_000;
const QUEUES = ['flooded', 'other'];
const PHASES = { flood: 1, alone: 2, beside: 3, backlog: 4 } as const;
const GATHER_MS = 500;
const STARTS = 'share of starts';
const BEFORE = "flood's jobs begun before one";
const FULL = { ms: 8_000 };
const QUICK = { ms: 2_500 };

interface Run {
  readonly name: string;
  readonly pool: PoolLayout;
  /** How long a job of the flood occupies its slot: long enough that the flood outlasts the measurement. */
  readonly work: { readonly waitMs: number } | { readonly cpuMs: number };
  /** Jobs a second of the other queue, at random: far below its share, so that none waits for one of its own. */
  readonly rate: number;
  /** Waiting jobs of the other queue, for the share. */
  readonly backlog: number;
}

const RUNS: readonly Run[] = [
  {
    name: FORKLOOP_ASYNC,
    pool: { kind: 'async', size: SLOTS, queues: QUEUES },
    work: { waitMs: 30 },
    rate: 50,
    backlog: 2_000,
  },
  {
    name: FORKLOOP_PROCESS,
    pool: { kind: 'process', size: PROCESSES, queues: QUEUES },
    work: { cpuMs: 5 },
    rate: 20,
    backlog: 200,
  },
];

/** What a queue of a pool gets while another one of the same pool is flooded. */
export function floodedQueue({ context, arena, suite }: Surroundings): Part {
  const { ms } = context.quick ? QUICK : FULL;
  const alone = new Samples(context, suite, 'pickup, the other queue empty');
  const beside = new Samples(context, suite, 'pickup, the other queue flooded');
  const add = (contender: string, figure: string, unit: string, round: number, value: number) =>
    context.figures.add({ suite, contender, figure, unit, round, value });

  async function flood(stage: Stage, { name, work, rate, backlog }: Run, round: number): Promise<void> {
    const { system, tally } = stage;
    const input: Omit<JobInput, 'phase'> = {
      probe: 'stamp',
      index: 0,
      ...('waitMs' in work ? work : { turns: turnsFor(work.cpuMs) }),
    };
    const jobs = (phase: number, count: number) => new Array(count).fill({ ...input, phase });
    const pickup = (phase: number) =>
      pickupBusy(stage, phase, rate, ms, context.seed + round, { queue: 'other' });
    await warmUp(stage, QUEUES);
    alone.add(name, round, (await pickup(PHASES.alone)).map(pickupMs));
    await system.enqueueMany(jobs(PHASES.flood, FLOOD), 'flooded');
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    await system.enqueueMany(jobs(PHASES.backlog, backlog), 'other');
    const ended = await tally.untilStamped(PHASES.backlog, backlog);
    add(name, STARTS, '%', round, 100 * shareOf(ended, tally.stamps(PHASES.flood)));
    const pickups = await pickup(PHASES.beside);
    beside.add(name, round, pickups.map(pickupMs));
    const flooded = tally.stamps(PHASES.flood);
    if (flooded.length >= FLOOD) throw new Error('the flood was over too soon');
    const before = begunBefore(pickups, flooded);
    for (const share of SHARES)
      add(name, `${BEFORE}: p${share * 100}`, 'jobs', round, quantile(before, share));
  }

  return {
    steps: RUNS.length,
    async measure(round, step) {
      const redis = await arena.server('off');
      for (const run of RUNS) {
        step(`flooded queue: ${run.name}`);
        const contender = forkloop({ name: run.name, pools: [run.pool] });
        await arena.open(contender, redis, (stage) => flood(stage, run, round));
      }
    },
    findings: () => findings(alone, beside, (name, figure) => context.figures.median(suite, name, figure)),
  };
}

/** Of all jobs that began between the first and the last of these. */
function shareOf(these: readonly Stamp[], others: readonly Stamp[]): number {
  const begun = these.map(({ begunUs }) => begunUs);
  const [first, last] = [Math.min(...begun), Math.max(...begun)];
  const meanwhile = others.filter(({ begunUs }) => begunUs >= first && begunUs <= last).length;
  return these.length / (these.length + meanwhile);
}

/** Of each: how many of these began after it was enqueued and before it began. */
function begunBefore(pickups: readonly Pickup[], others: readonly Stamp[]): number[] {
  return pickups.map(
    ({ sentUs, begunUs }) =>
      others.filter((other) => other.begunUs > sentUs && other.begunUs < begunUs).length,
  );
}

function findings(alone: Samples, beside: Samples, of: (name: string, figure: string) => number): Findings {
  const before = (name: string, share: number) => of(name, `${BEFORE}: p${share * 100}`);
  return {
    tables: [
      {
        title: `A queue beside one flooded with ${FLOOD.toLocaleString('en')} jobs, the same pool: pickup, ms`,
        head: [
          '',
          ...SHARES.map((each) => `alone p${each * 100}`),
          ...SHARES.map((each) => `beside p${each * 100}`),
          'beside max',
          ...SHARES.map((each) => `flood's before it p${each * 100}`),
          'share of starts, %',
        ],
        rows: RUNS.map(({ name }) => [
          name,
          ...SHARES.map((each) => short(alone.typical(name, each))),
          ...[...SHARES, 1].map((each) => short(beside.typical(name, each))),
          ...SHARES.map((each) => short(before(name, each))),
          short(of(name, STARTS)),
        ]),
      },
    ],
    plots: [alone.plot(), beside.plot()],
    bars: [
      ...RUNS.map(({ name }) => atLeast(`${name}: share of starts ≥ 45 %`, of(name, STARTS), 45, ' %')),
      ...RUNS.map(({ name, pool: { size } }) =>
        atMost(
          `${name}: jobs of the flood that begin before one of the other queue: p50 ≤ ${2 * size}, two for each slot`,
          before(name, 0.5),
          2 * size,
        ),
      ),
    ],
    notes: [
      `Flooded queue: two queues of equal weight share a pool of ${SLOTS} slots (jobs of the flood wait 30 ms) or ${PROCESSES} processes (they compute 5 ms). The other queue gets ${RUNS[0]!.rate} or ${RUNS[1]!.rate} no-op jobs a second, at random. Flood's before it: how many jobs of the flood began between its enqueue and its start, which does not depend on how busy the machine is otherwise. Share of starts: while it has a backlog of its own of the same jobs; half is its due.`,
    ],
  };
}
