/** Plays one plan to its end and judges it. Leaves no process and no file, but the history of a run that went wrong. */

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Verdict } from './checker.ts';
import type { Plan } from './faults.ts';
import { monotonicMs, readHistory } from './history.ts';
import { checkHistory } from './judge.ts';
import { GRACE_MS, HEARTBEAT_MS, LEASE_MS } from './settings.ts';
import { World } from './world.ts';

/** How long faults may wait for their ordinal after the last job was enqueued. */
const PATIENCE_MS = 12_000;
/** What a poisoned job waits between its crashes, and jobs that failed. */
const BACKOFF_MS = 6_000;
const BACKLOG_PER_SECOND = 20;
/** A poisoned job takes three workers down, one that kills its daemon five daemons, each of which must start again. */
const PER_POISON_MS = 1_000;
const PER_KILLER_MS = 30_000;

export interface Played extends Verdict {
  readonly plan: Plan;
  /** Rules whose ordinal never came. */
  readonly unfired: number;
  readonly ms: number;
  /** What the daemons wrote; only of a run that went wrong. */
  readonly keptIn: string | null;
}

export async function play(plan: Plan, keepFolder: string | null = null): Promise<Played> {
  const from = monotonicMs();
  const folder = await mkdtemp(join(tmpdir(), 'fl-chaos-'));
  const removeNow = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', removeNow);
  try {
    const world = await World.open(plan, folder);
    try {
      const unfired = await run(world);
      await world.end();
      const verdict = checkHistory(plan, readHistory(world.historyFolder));
      const keptIn = verdict.violations.length > 0 ? await keep(world, keepFolder) : null;
      return { ...verdict, plan, unfired, ms: monotonicMs() - from, keptIn };
    } finally {
      await world.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    process.off('exit', removeNow);
  }
}

/** Answers how many rules have not fired. */
async function run(world: World): Promise<number> {
  const { plan, daemons, rules, record } = world;
  await world.startDaemons();
  for (const daemon of daemons) await daemon.rest('before');
  if (plan.broker === 'embedded') for (const daemon of daemons) await daemon.ticks();
  const keeping = world.keepAlive();
  await world.produce();
  const patience = monotonicMs() + PATIENCE_MS;
  while (rules.unfired.length > 0 && monotonicMs() < patience) await rest(50);
  const unfired = rules.unfired.length;
  rules.clear();
  await world.settled();
  record({ kind: 'healed' });
  await awaitQuiet(world);
  await Promise.all(daemons.map((daemon) => daemon.running && daemon.rest('after')));
  world.letGo();
  await keeping;
  await Promise.all(daemons.map((daemon) => daemon.ready()));
  await Promise.all(daemons.map((daemon) => daemon.stop()));
  for (const dump of await world.site.dump()) record(dump);
  return unfired;
}

/** Waits until no job of the producer is left, no longer than the invariant allows. */
export async function awaitQuiet({ plan, site, record }: World): Promise<void> {
  const from = monotonicMs();
  // Where nobody can tell yet, as many as there can be.
  const backlog = (await site.left()) ?? plan.jobs;
  const withinMs =
    LEASE_MS +
    GRACE_MS +
    HEARTBEAT_MS +
    (backlog / BACKLOG_PER_SECOND) * 1_000 +
    BACKOFF_MS +
    10_000 +
    plan.jobs * ((plan.mix.poison ?? 0) * PER_POISON_MS + (plan.mix.killer ?? 0) * PER_KILLER_MS);
  let left = backlog;
  let askedFor = 0;
  while (left > 0 && monotonicMs() - from < withinMs) {
    // On a busy machine asking must not become the load that it waits for.
    await rest(50 + 4 * askedFor);
    const asked = monotonicMs();
    left = (await site.left()) ?? left;
    askedFor = monotonicMs() - asked;
  }
  record({ kind: 'quiet', left, ms: monotonicMs() - from, withinMs });
}

async function keep(
  { plan, daemons, historyFolder, site }: World,
  into: string | null,
): Promise<string | null> {
  if (into === null) return null;
  const folder = join(into, `${plan.name.replace(/[^a-z0-9.-]+/gi, '-')}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  cpSync(historyFolder, join(folder, 'history'), { recursive: true });
  await writeFile(join(folder, 'plan.json'), `${JSON.stringify(plan, null, 2)}\n`);
  site.keep(folder);
  for (const daemon of daemons) daemon.keepLog(folder);
  return folder;
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
