import type { Contender } from '../contenders/contender.ts';
import { kernelDelay, whileSpinning } from '../measure/kernel-delay.ts';
import { CPU_MS } from '../measure/mixed-load.ts';
import { pickupBusy, pickupMs } from '../measure/pickup.ts';
import { turnsFor } from '../measure/spin.ts';
import { warmUp, warmUpSingly } from '../measure/warm-up.ts';
import { atMost } from '../report/bars.ts';
import { short } from '../report/numbers.ts';
import type { Stage } from './arena.ts';
import { PROCESSES } from './entrants.ts';
import { inTurn } from './in-turn.ts';
import type { Part, Surroundings } from './isolation-part.ts';
import { BULLMQ_BOTH, FORKLOOP_BOTH, MIXED_CONTENDERS } from './mixed-entrants.ts';
import { Samples, SHARES } from './samples.ts';
import type { Findings } from './suite.ts';

const FULL = { ms: 8_000, kernelMs: 4_000 };
const QUICK = { ms: 2_500, kernelMs: 1_500 };
/** I/O jobs a second: few, so that nothing but the storm delays them. */
const RATE = 50;
const IO_MS = 5;
const PHASES = { storm: 1, alone: 2, beside: 3 } as const;
/** Until workers compute. */
const GATHER_MS = 500;
const TIMER = 'a timer of a bare Node.js process';
const PING = 'a bare round trip to Redis';
const CONTENDERS = [FORKLOOP_BOTH, BULLMQ_BOTH].map(
  (wanted) => MIXED_CONTENDERS.find(({ name }) => name === wanted) as Contender,
);

/** Whether jobs that wait are picked up as soon while all cores are busy with jobs that compute. */
export function cpuStorm({ context, arena, suite }: Surroundings): Part {
  const size = context.quick ? QUICK : FULL;
  const alone = new Samples(context, suite, 'pickup of I/O jobs, alone');
  const beside = new Samples(context, suite, 'pickup of I/O jobs, CPU storm');
  const add = (contender: string, figure: string, unit: string, round: number, value: number) =>
    context.figures.add({ suite, contender, figure, unit, round, value });
  const turns = turnsFor(CPU_MS);

  async function storm(stage: Stage, name: string, round: number): Promise<void> {
    const { system, tally } = stage;
    const pickup = async (phase: number) => {
      const to = { queue: 'io', waitMs: IO_MS };
      return (await pickupBusy(stage, phase, RATE, size.ms, context.seed + round, to)).map(pickupMs);
    };
    await warmUp(stage, ['cpu', 'io']);
    if (!context.quick) await warmUpSingly(stage, ['io']);
    alone.add(name, round, await pickup(PHASES.alone));
    // Three times what can be computed meanwhile.
    const jobs = Math.ceil((3 * PROCESSES * (size.ms + GATHER_MS)) / CPU_MS);
    const input = { probe: 'stamp', phase: PHASES.storm, index: 0, turns } as const;
    await system.enqueueMany(new Array(jobs).fill(input), 'cpu');
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    const before = tally.stamps(PHASES.storm).length;
    const begun = performance.now();
    beside.add(name, round, await pickup(PHASES.beside));
    const seconds = (performance.now() - begun) / 1_000;
    const computed = tally.stamps(PHASES.storm).length;
    if (computed >= jobs) throw new Error('the storm was over too soon');
    add(name, 'CPU jobs/s in the storm', 'jobs/s', round, (computed - before) / seconds);
  }

  return {
    steps: CONTENDERS.length + 1,
    async measure(round, step) {
      const redis = await arena.server('off');
      step('CPU storm: bare processes');
      const look = () => kernelDelay(redis, size.kernelMs, context.seed + round);
      for (const [samples, seen] of [
        [alone, await look()],
        [beside, await whileSpinning(context.workspace, PROCESSES, size.kernelMs, look)],
      ] as const) {
        samples.add(TIMER, round, seen.timer);
        samples.add(PING, round, seen.ping);
      }
      for (const contender of inTurn(CONTENDERS, round)) {
        step(`CPU storm: ${contender.name}`);
        await arena.open(contender, redis, (stage) => storm(stage, contender.name, round));
      }
    },
    findings: () =>
      findings(alone, beside, (name) => context.figures.median(suite, name, 'CPU jobs/s in the storm')),
  };
}

function findings(alone: Samples, beside: Samples, computed: (name: string) => number): Findings {
  const ours = (share: number) => beside.typical(FORKLOOP_BOTH, share);
  return {
    tables: [
      {
        title: `CPU storm: pickup of jobs of ${IO_MS} ms I/O, ${RATE} a second, ms`,
        head: [
          '',
          ...SHARES.map((share) => `alone p${share * 100}`),
          ...SHARES.map((share) => `storm p${share * 100}`),
          'storm max',
          'CPU jobs/s',
        ],
        rows: alone.names.map((name) => [
          name,
          ...SHARES.map((share) => short(alone.typical(name, share))),
          ...[...SHARES, 1].map((share) => short(beside.typical(name, share))),
          short(computed(name)),
        ]),
      },
    ],
    plots: [alone.plot(), beside.plot()],
    bars: [
      atMost(
        'pickup of I/O jobs, both pools: p50 in a CPU storm ≤ 1.25 × alone',
        ours(0.5) / alone.typical(FORKLOOP_BOTH, 0.5),
        1.25,
        ' ×',
      ),
      atMost(
        '… p99 in the storm ≤ 3 × a bare round trip to Redis in such a storm',
        ours(0.99) / beside.typical(PING, 0.99),
        3,
        ' ×',
      ),
      atMost("… p99 in the storm below BullMQ's", ours(0.99) / beside.typical(BULLMQ_BOTH, 0.99), 1, ' ×'),
    ],
    notes: [
      `CPU storm: ${PROCESSES} process workers, as many as the smallest machine has cores, with jobs of ${CPU_MS} ms that never run out. Beside them what the kernel alone does to two programs that only sleep, while ${PROCESSES} processes spin: a timer, which waits for a core once, and a round trip to Redis, twice. A pickup is a chain of six such wakes, so three round trips.`,
    ],
  };
}
