import { startDaemon } from './daemon.ts';
import { MODES, type Mode } from './modes.ts';
import { DELAY_MS, type Plan } from './plan.ts';
import type { Progress } from './progress.ts';
import { runLoad, warmUp } from './run.ts';
import { startServices } from './stand-in-process.ts';
import type { Run } from './statistics.ts';
import type { Workspace } from './workspace.ts';

export interface TrialOptions {
  readonly workspace: Workspace;
  readonly plan: Plan;
  readonly repeat: number;
  readonly seed: number;
  readonly progress: Progress;
}

/** Runs the load in each mode, so often, by turns; the runs of each mode. */
export async function runTrial(options: TrialOptions): Promise<Run[][]> {
  const { workspace, repeat, seed } = options;
  const services = await startServices(workspace, DELAY_MS, seed);
  const runs: Run[][] = MODES.map(() => []);
  for (let round = 1; round <= repeat; round++) {
    for (const [i, mode] of MODES.entries()) runs[i]!.push(await runMode(mode, round, services.url, options));
  }
  await workspace.stop(services.child);
  return runs;
}

/** One run, with a daemon, a store and a cache of its own. */
async function runMode(mode: Mode, round: number, services: string, options: TrialOptions): Promise<Run> {
  const { workspace, plan, repeat, progress } = options;
  const name = `${mode.name}-${round}`;
  const env = { TRACKING_SERVICES_URL: services, TRACKING_CACHE: workspace.path(`${name}.ndjson`) };
  const daemon = await startDaemon(workspace, name, mode.pools(plan.workers, env));
  await warmUp(daemon.client, plan.load, plan.workers);
  progress.start(repeat === 1 ? mode.label : `${mode.label} ${round}/${repeat}`, plan.load.length);
  const run = await runLoad(daemon.client, mode, plan.load, () => progress.step());
  progress.end();
  await daemon.stop();
  return run;
}
