/** `npm run soak`: see docs/reliability.md. */

import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '../../../src/lib/units.ts';
import { brokerOf, elapsed, numberOf, readOptions } from '../../support/command-line.ts';
import type { Plan } from '../faults.ts';
import { SmallDisk } from '../small-disk.ts';
import { World } from '../world.ts';
import { DAEMONS } from './faults.ts';
import { Soak, type Soaked, TIGHT } from './soak.ts';
import type { Comparison } from './verdict.ts';

const USAGE = `Usage: npm run soak -- [options]

Two real daemons under a steady load of 50 jobs a second, with a fault every 5 to 20 s; then
memory, descriptors, processes and what is stored are compared with what they were after a
warm-up.

  --minutes N    with faults after the warm-up (15); settling and rests take 10 minutes more
  --warm-up N    minutes with faults before the first measurement (13)
  --seed S       of load and faults (1)
  --broker B     redis or embedded (redis)
  --settle S     seconds under load without faults before memory is measured (90)
  --keep DIR     where a soak that fails leaves history and logs
                 (${join(tmpdir(), 'forkloop-soak')})
`;

const values = readOptions(USAGE, {
  minutes: { type: 'string', default: '15' },
  'warm-up': { type: 'string', default: '13' },
  seed: { type: 'string', default: '1' },
  broker: { type: 'string', default: 'redis' },
  settle: { type: 'string', default: '90' },
  keep: { type: 'string', default: join(tmpdir(), 'forkloop-soak') },
});

const seed = numberOf(values, 'seed');
const broker = brokerOf(values.broker);
const [warmUpMinutes, minutes, settleMs] = [
  numberOf(values, 'warm-up'),
  numberOf(values, 'minutes'),
  numberOf(values, 'settle') * 1_000,
];

async function main(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'fl-soak-'));
  const removeNow = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', removeNow);
  const plan = planOf(broker);
  const refused = plan.broker === 'redis' ? null : SmallDisk.refused();
  if (refused !== null) process.stdout.write(`a full disk is left out: ${refused}\n`);
  const world = await World.open(plan, folder, { small: refused === null, runtime: TIGHT });
  try {
    const soaked = await soak(world, refused === null);
    const violations = tell(soaked);
    if (violations > 0) keep(world);
    return violations === 0 ? 0 : 1;
  } finally {
    await world.close();
    await rm(folder, { recursive: true, force: true });
    process.off('exit', removeNow);
  }
}

/** Nothing that stays by design: no results, no jobs that die. */
const planOf = (broker: 'redis' | 'embedded'): Plan => ({
  name: `soak ${values.seed}`,
  seed,
  broker,
  daemons: DAEMONS,
  jobs: 0,
  jobsPerSecond: 0,
  mix: { cpu: 0.25, slow: 0.1, waits: 0.01, flaky: 0.05, snoozer: 0.05 },
  schedules: 1,
  faults: [],
});

function soak(world: World, canFill: boolean): Promise<Soaked> {
  const from = performance.now();
  const ending = new AbortController();
  process.on('SIGINT', () => {
    if (ending.signal.aborted) process.exit(130);
    process.stdout.write('no more faults; again to end now\n');
    ending.abort();
  });
  return new Soak(world, {
    warmUpMinutes,
    minutes,
    settleMs,
    canFill,
    say: (line) => void process.stdout.write(`${elapsed(from)}  ${line}\n`),
    signal: ending.signal,
  }).run();
}

/** Answers how many violations there are. */
function tell({ jobs, faults, comparisons, violations }: Soaked): number {
  for (const comparison of comparisons) process.stdout.write(`${lineOf(comparison)}\n`);
  for (const { invariant, text } of violations.slice(0, 20)) process.stdout.write(`${invariant}: ${text}\n`);
  const all = violations.length + comparisons.filter(({ isBack }) => !isBack).length;
  process.stdout.write(`${jobs} jobs, ${faults} faults, ${all} violations\n`);
  return all;
}

function lineOf({ what, before, after, unit, isBack }: Comparison): string {
  const show = (value: number) => (unit === 'bytes' ? formatBytes(value) : String(value));
  const change = before === 0 ? '' : ` (${(100 * (after / before - 1)).toFixed(1)} %)`;
  return `${what.padEnd(28)} ${show(before).padStart(10)} → ${show(after).padStart(10)}${change}${isBack ? '' : '  NOT BACK'}`;
}

function keep({ historyFolder, daemons, site }: World): void {
  const folder = join(values.keep, `${values.broker}-${values.seed}-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  cpSync(historyFolder, join(folder, 'history'), { recursive: true });
  for (const daemon of daemons) daemon.keepLog(folder);
  site.keep(folder);
  process.stdout.write(`kept in ${folder}\n`);
}

process.exitCode = await main();
