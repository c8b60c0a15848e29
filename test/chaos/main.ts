/** `npm run chaos`: see docs/reliability.md. */

import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokerOf, countOf, elapsed, numberOf, readOptions } from '../support/command-line.ts';
import { campaign } from './campaign.ts';
import type { Plan } from './faults.ts';
import { SmallDisk } from './small-disk.ts';

const USAGE = `Usage: npm run chaos -- [options]

Real daemons, workers and brokers under faults; their histories are checked afterwards.
First the lists of single faults (of the network on each operation, of processes on the
embedded store), then random mixes, of one broker and the other in turn.

  --minutes N   begin no plan after so many minutes (10)
  --seed S      of loads and mixes; the same seed makes the same plans (1)
  --broker B    redis or embedded only
  --random      leave out the lists of single faults
  --plan FILE   play this plan only, as a failing run left it
  --times N     play it so many times (1)
  --at-once N   plans beside each other (2)
  --keep DIR    where failing runs leave plan, history and logs
                (${join(tmpdir(), 'forkloop-chaos')})
`;

const values = readOptions(USAGE, {
  minutes: { type: 'string', default: '10' },
  seed: { type: 'string', default: '1' },
  broker: { type: 'string' },
  random: { type: 'boolean', default: false },
  plan: { type: 'string' },
  times: { type: 'string', default: '1' },
  'at-once': { type: 'string', default: '2' },
  keep: { type: 'string', default: join(tmpdir(), 'forkloop-chaos') },
});

const broker = values.broker === undefined ? undefined : brokerOf(values.broker);
const given = {
  minutes: numberOf(values, 'minutes'),
  seed: numberOf(values, 'seed'),
  atOnce: countOf(values, 'at-once'),
  listed: !values.random,
  ...(broker === undefined ? {} : { broker }),
  ...(values.plan === undefined ? {} : { plans: repeated(values.plan, countOf(values, 'times')) }),
  keepFolder: values.keep,
};

async function main(): Promise<number> {
  // Each plan's daemons, servers and disks end with this process.
  process.setMaxListeners(0);
  const from = performance.now();
  const ending = new AbortController();
  process.on('SIGINT', () => {
    if (ending.signal.aborted) process.exit(130);
    process.stdout.write('ending after the plans under way; again to end now\n');
    ending.abort();
  });
  const refused = broker === 'redis' ? null : SmallDisk.refused();
  if (refused !== null) process.stdout.write(`a full disk is left out: ${refused}\n`);
  const totals = await campaign({
    ...given,
    canFill: refused === null,
    say: (line) => void process.stdout.write(`${elapsed(from)}  ${line}\n`),
    signal: ending.signal,
  });
  const { plans, jobs, faults, violations } = totals;
  process.stdout.write(`${plans} plans, ${jobs} jobs, ${faults} faults, ${violations} violations\n`);
  return violations === 0 ? 0 : 1;
}

function repeated(file: string, times: number): Plan[] {
  const plan = JSON.parse(readFileSync(file, 'utf8')) as Plan;
  return Array.from({ length: times }, () => plan);
}

process.exitCode = await main();
