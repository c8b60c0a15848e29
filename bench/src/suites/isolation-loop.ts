import { join } from 'node:path';
import { forkloop } from '../contenders/forkloop.ts';
import { noops } from '../measure/load.ts';
import { delaysOf, feltDelay, type LoopGaps } from '../measure/loop-gaps.ts';
import { quantile } from '../measure/quantile.ts';
import { warmUp } from '../measure/warm-up.ts';
import { atMost } from '../report/bars.ts';
import { short } from '../report/numbers.ts';
import { LoopWatch } from '../site/loop-watch.ts';
import { queuedUsOf } from '../site/run-queue.ts';
import type { Stage } from './arena.ts';
import { asyncPool, FORKLOOP_ASYNC, FORKLOOP_EMBEDDED, FORKLOOP_PROCESS, processPool } from './entrants.ts';
import type { Part, Surroundings } from './isolation-part.ts';
import { Samples, SHARES } from './samples.ts';
import { steady } from './steady.ts';
import type { Findings } from './suite.ts';

/** `share`: of the jobs, so that each is measured for about as long. */
const RUNS = [
  { name: FORKLOOP_ASYNC, pools: [asyncPool()], store: 'redis', share: 1 },
  { name: FORKLOOP_PROCESS, pools: [processPool()], store: 'redis', share: 0.5 },
  { name: FORKLOOP_EMBEDDED, pools: [asyncPool()], store: 'embedded', share: 0.5 },
] as const;

const LOADS = ['idle', 'drain', 'steady'] as const;
type Load = (typeof LOADS)[number];
const FULL = { jobs: 200_000, steadyMs: 6_000, idleMs: 2_000 };
const QUICK = { jobs: 60_000, steadyMs: 1_500, idleMs: 500 };
/** Beside the quantiles. */
const MORE = ['max', 'firings', 'felt p99', 'work p99', 'work max', '% without a core', 'jobs/s'] as const;
const BAR_MS = 20;

/** How late the loop of a daemon's master is while it runs no-op jobs as fast as it can. */
export function masterLoop({ context, arena, suite }: Surroundings): Part {
  const size = context.quick ? QUICK : FULL;
  const delays = new Samples(context, suite, "delay of the master's loop");
  const add = (contender: string, figure: string, unit: string, round: number, value: number) =>
    context.figures.add({ suite, contender, figure, unit, round, value });

  /** Opens a window of the watch for as long as `act` takes. */
  async function watched(
    { name, round, pid, watch }: { name: string; round: number; pid: number; watch: LoopWatch },
    load: Load,
    act: () => Promise<number>,
  ): Promise<void> {
    const queued = queuedUsOf(pid);
    const begun = performance.now();
    await watch.begin();
    const rate = await act();
    const gaps = await watch.end();
    const wallMs = performance.now() - begun;
    const label = labelOf(name, load);
    delays.add(label, round, delaysOf(gaps));
    add(label, 'max', 'ms', round, maxOf(gaps));
    add(label, 'firings', '', round, gaps.count);
    add(label, 'work p99', 'ms', round, quantile(gaps.workMs, 0.99));
    add(label, 'work max', 'ms', round, quantile(gaps.workMs, 1));
    add(label, 'felt p99', 'ms', round, feltDelay(gaps, 0.99));
    add(label, 'jobs/s', 'jobs/s', round, rate);
    add(label, '% without a core', '%', round, (queuedUsOf(pid) - queued) / (10 * wallMs));
  }

  return {
    steps: RUNS.length,
    async measure(round, step) {
      for (const { name, pools, store, share } of RUNS) {
        step(`master's loop: ${name}`);
        const watch = new LoopWatch(join(context.workspace.folder('watch'), 'socket'));
        const contender = forkloop({ name, pools, look: watch.start });
        await arena.with({ contender, store, share }, async (stage) => {
          const pid = stage.system.pids()[0] as number;
          const window = { name, round, pid, watch };
          await warmUp(stage);
          await watched(window, 'idle', () => rest(size.idleMs));
          const jobs = Math.round(size.jobs * share);
          await stage.system.hold();
          await stage.system.enqueueMany(noops(1, jobs));
          await watched(window, 'drain', () => drain(stage, jobs));
          await watched(window, 'steady', () => run(stage, size.steadyMs));
        });
      }
    },
    findings: () => findings(delays, (label, figure) => context.figures.median(suite, label, figure)),
  };
}

const labelOf = (name: string, load: Load): string => `${name}: ${load}`;
const maxOf = ({ maxMs, resolutionMs }: LoopGaps): number => Math.max(0, maxMs - resolutionMs);

/** Each answers the jobs a second. */
async function rest(ms: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return 0;
}

async function drain({ system, tally }: Stage, waiting: number): Promise<number> {
  await system.release();
  const { jobs, firstUs, lastUs } = await tally.until(1, waiting);
  return ((jobs - 1) * 1e6) / (lastUs - firstUs);
}

async function run(stage: Stage, ms: number): Promise<number> {
  const { count } = await steady(stage, 2, ms);
  return ((count.jobs - 1) * 1e6) / (count.lastUs - count.firstUs);
}

function findings(delays: Samples, of: (label: string, figure: string) => number): Findings {
  const busy = RUNS.flatMap(({ name }) => [labelOf(name, 'drain'), labelOf(name, 'steady')]);
  const worst = Math.max(...busy.map((label) => delays.typical(label, 0.99)));
  const most = (figure: (typeof MORE)[number]) => Math.max(...busy.map((label) => of(label, figure)));
  return {
    tables: [
      {
        title: "Delay of the master's event loop, ms (median of the rounds)",
        head: ['', ...SHARES.map((share) => `p${share * 100}`), ...MORE],
        rows: delays.names.map((label) => [
          label,
          ...SHARES.map((share) => short(delays.typical(label, share))),
          ...MORE.map((figure) => short(of(label, figure))),
        ]),
      },
    ],
    plots: [delays.plot(busy)],
    bars: [
      atMost(`master's loop at full throughput: p99 of its delay ≤ ${BAR_MS} ms`, worst, BAR_MS, ' ms'),
      atMost('the same, as felt by what comes at any moment', most('felt p99'), BAR_MS, ' ms'),
      atMost('the same, its own work only', most('work p99'), BAR_MS, ' ms'),
    ],
    notes: [
      "Delay of the master's loop: perf_hooks.monitorEventLoopDelay with a timer of 1 ms, watched in the master alone by a module loaded before it. It notes the gaps between the timer's firings; the millisecond of the timer itself is taken off, and an idle loop shows what is left. A long gap is one firing of many, but whatever happens meanwhile meets it: “felt” is the delay of something that comes at any moment. Work: CPU time of the master's thread between two firings, read at each; it does not depend on what else the machine does. Without a core: the share of the time in which the master's thread was ready to run and other processes had the cores (Redis, the one that enqueues, workers).",
    ],
  };
}
