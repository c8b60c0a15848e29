/** A chaos run as a whole: the exhaustive list first, then random mixes until the time is over; failing plans shrunk. */

import { inspect } from 'node:util';
import { embeddedPlans, randomEmbeddedPlan } from './embedded-plans.ts';
import { exhaustivePlans } from './exhaustive.ts';
import type { Plan } from './faults.ts';
import { monotonicMs } from './history.ts';
import { type Played, play } from './play.ts';
import { randomPlan } from './random-plan.ts';
import { shrink } from './shrink.ts';

export interface CampaignOptions {
  readonly minutes: number;
  readonly seed: number;
  /** How many plans are played beside each other. */
  readonly atOnce: number;
  /** Whether the list of single faults comes first. */
  readonly listed: boolean;
  /** Both, in turn, if nothing is said. */
  readonly broker?: 'redis' | 'embedded';
  /** Whether there can be a small disk to fill. */
  readonly canFill: boolean;
  /** Only these plans, each once, whatever the time. */
  readonly plans?: readonly Plan[];
  /** Where histories, logs and plans of failing runs are kept. */
  readonly keepFolder: string;
  readonly say: (line: string) => void;
  /** No further plan is begun after its abort. */
  readonly signal: AbortSignal;
}

export interface Totals {
  plans: number;
  jobs: number;
  faults: number;
  violations: number;
}

/** Of one failing plan. */
const SHRINK_TRIES = 16;

export async function campaign(options: CampaignOptions): Promise<Totals> {
  const totals: Totals = { plans: 0, jobs: 0, faults: 0, violations: 0 };
  const next = supply(options);
  await Promise.all(Array.from({ length: options.atOnce }, () => playAll(next, options, totals)));
  return totals;
}

function supply(options: CampaignOptions): () => Plan | null {
  const { minutes, plans, signal } = options;
  const until = monotonicMs() + minutes * 60_000;
  const listed = [...(plans ?? listOf(options))];
  const random = randomPlans(options);
  return () => {
    if (signal.aborted || (plans === undefined && monotonicMs() >= until)) return null;
    return listed.shift() ?? (plans === undefined ? random.next().value : null);
  };
}

function listOf({ seed, listed, broker, canFill }: CampaignOptions): Plan[] {
  if (!listed) return [];
  return [
    ...(broker === 'embedded' ? [] : exhaustivePlans(seed)),
    ...(broker === 'redis' ? [] : embeddedPlans(seed, canFill)),
  ];
}

function* randomPlans({ seed, broker, canFill }: CampaignOptions): Generator<Plan, never> {
  for (let next = seed; ; next++) {
    if (broker !== 'embedded') yield randomPlan(next);
    if (broker !== 'redis') yield randomEmbeddedPlan(next, canFill);
  }
}

async function playAll(next: () => Plan | null, options: CampaignOptions, totals: Totals): Promise<void> {
  for (let plan = next(); plan !== null; plan = next()) {
    const played = await playOne(plan, options, totals);
    if (played !== null && played.violations.length === 0) continue;
    totals.violations += played?.violations.length ?? 1;
    if (plan.faults.length > 1 && !options.signal.aborted) await shrinkPlan(plan, options, totals);
  }
}

/** Null when the run itself could not be played to its end. */
async function playOne(
  plan: Plan,
  { keepFolder, say }: CampaignOptions,
  totals: Totals,
): Promise<Played | null> {
  try {
    const played = await play(plan, keepFolder);
    totals.plans++;
    totals.jobs += played.jobs;
    totals.faults += played.faults;
    const { jobs, faults, unfired, reclaims, violations, ms, keptIn } = played;
    const more = `${unfired > 0 ? `, ${unfired} never came` : ''}${reclaims > 0 ? `, ${reclaims} leases taken` : ''}`;
    const end = violations.length === 0 ? 'ok' : `${violations.length} VIOLATIONS, kept in ${keptIn}`;
    say(`${plan.name}: ${jobs} jobs, ${faults} faults${more}, ${(ms / 1_000).toFixed(1)} s: ${end}`);
    for (const { invariant, text } of violations.slice(0, 10)) say(`  ${invariant}: ${text}`);
    return played;
  } catch (error) {
    totals.plans++;
    say(`${plan.name}: BROKEN: ${inspect(error)}`);
    return null;
  }
}

async function shrinkPlan(plan: Plan, options: CampaignOptions, totals: Totals): Promise<void> {
  options.say(`  looking which of its ${plan.faults.length} faults are needed`);
  const quiet = { ...options, say: () => {} };
  const fails = async (faults: Plan['faults']) => {
    const played = await playOne({ ...plan, name: `${plan.name} shrunk`, faults }, quiet, totals);
    return played === null || played.violations.length > 0;
  };
  const faults = await shrink(plan.faults, fails, SHRINK_TRIES);
  options.say(`  needed: ${JSON.stringify(faults)}`);
}
