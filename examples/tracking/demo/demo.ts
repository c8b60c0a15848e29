/** One mixed load through the real daemon, three times: in a process pool, in an async pool, in both. */
import { constants } from 'node:fs';
import { access, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { interruption } from './interruption.ts';
import { machineFacts } from './machine.ts';
import { type DemoOptions, HELP, parseOptions } from './options.ts';
import { makePlan, type Plan } from './plan.ts';
import { Progress } from './progress.ts';
import { renderReport } from './report.ts';
import type { Run } from './statistics.ts';
import { renderTable } from './table.ts';
import { wrap } from './text.ts';
import { runTrial } from './trial.ts';
import { Workspace } from './workspace.ts';

const USAGE = 64;
/** More failed jobs than this say nothing new. */
const SHOWN_FAILURES = 5;

async function main(): Promise<number> {
  const options = optionsOf(process.argv.slice(2));
  if (typeof options === 'number') return options;
  const interrupted = interruption();
  await access(dirname(resolve(options.report)), constants.W_OK);
  const plan = await makePlan(options);
  say(wrap([machineFacts(), ...plan.description]));
  const workspace = await Workspace.create();
  try {
    const trial = runTrial({ ...options, workspace, plan, progress: new Progress(process.stdout) });
    trial.catch(() => {}); // after an interruption it fails, as it should
    const ended = await Promise.race([trial, interrupted]);
    return typeof ended === 'number' ? ended : await tell(ended, options, plan);
  } finally {
    await workspace.close();
  }
}

/** The options, or the exit code when there is nothing to run. */
function optionsOf(args: string[]): DemoOptions | number {
  try {
    const options = parseOptions(args);
    if (options !== 'help') return options;
    say(HELP);
    return 0;
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n\n${HELP}`);
    return USAGE;
  }
}

/** Prints and writes what came out. Without a single number that was not measured: a run with failures has no table. */
async function tell(
  runs: readonly (readonly Run[])[],
  { report, seed }: DemoOptions,
  plan: Plan,
): Promise<number> {
  const failures = runs.flat().flatMap(({ failures }) => failures);
  if (failures.length > 0) {
    const more = failures.length > SHOWN_FAILURES ? [`… and ${failures.length - SHOWN_FAILURES} more`] : [];
    process.stderr.write(
      `\n${failures.length} jobs did not complete:\n${[...failures.slice(0, SHOWN_FAILURES), ...more].join('\n')}\n`,
    );
    return 1;
  }
  say(`\n${renderTable(runs)}`);
  const facts = { load: plan.description.join(' '), machine: machineFacts(), seed, at: Date.now() };
  await writeFile(report, renderReport(runs, facts));
  say(`The same as a picture: ${resolve(report)}`);
  return 0;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const code = await main().catch((error: Error) => {
  process.stderr.write(`demo: ${error.message}\n`);
  return 1;
});
// Jobs of an interrupted run may still wait for their time.
process.exit(code);
