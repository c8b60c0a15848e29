import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadBefore, machineFacts } from './measure/machine.ts';
import { type BenchOptions, help, parseOptions } from './options.ts';
import { barsTable } from './report/bars.ts';
import { Figures } from './report/figures.ts';
import { Progress } from './report/progress.ts';
import { renderReport, type SuiteReport } from './report/report.ts';
import { renderTable } from './report/table.ts';
import { Workspace } from './site/workspace.ts';
import { SUITES } from './suites/all.ts';
import type { SuiteContext } from './suites/suite.ts';

const USAGE = 64;
const FAILED = 1;
const INTERRUPTED = 130;
/** Load average above which somebody should be told. */
const BUSY = 0.5;

/** The whole command; answers the exit code. Bars that are not met are told, not failed. */
export async function run(args: readonly string[]): Promise<number> {
  const names = SUITES.map(({ name }) => name);
  let options: BenchOptions | 'help';
  try {
    options = parseOptions(args, names);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n\n${help(names)}`);
    return USAGE;
  }
  if (options === 'help') {
    process.stdout.write(help(names));
    return 0;
  }
  // The workspace removes itself when the process exits.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(INTERRUPTED));
  const workspace = new Workspace();
  try {
    await runSuites(options, workspace);
    return 0;
  } catch (error) {
    process.stderr.write(`\nbench: ${(error as Error).stack}\n`);
    return FAILED;
  } finally {
    workspace.close();
  }
}

async function runSuites(
  { suites, quick, rounds, out, seed }: BenchOptions,
  workspace: Workspace,
): Promise<void> {
  mkdirSync(out, { recursive: true });
  const figures = new Figures(join(out, 'figures.ndjson'));
  const facts = { machine: machineFacts(), at: new Date().toISOString(), quick, seed };
  figures.note({ type: 'run', ...facts });
  say(`${facts.machine}${quick ? '\nquick: small loads, few rounds; no figures to quote' : ''}\n`);
  if (loadBefore() > BUSY)
    say(
      `The machine is busy with other programs (load ${loadBefore().toFixed(2)}): ratios are rough, times are worthless.\n`,
    );
  const reports: SuiteReport[] = [];
  for (const suite of SUITES.filter(({ name }) => suites.length === 0 || suites.includes(name))) {
    const context: SuiteContext = {
      ...{ workspace, figures, seed, quick, rounds },
      progress: (steps) => new Progress(process.stdout, suite.name, steps),
    };
    figures.note({ type: 'suite', suite: suite.name, load: loadBefore() });
    const findings = await suite.run(context);
    reports.push({ suite, findings });
    say(`\n${suite.title}\n`);
    for (const table of findings.tables) say(renderTable(table));
    for (const note of findings.notes) say(`${note}\n`);
    if (findings.bars.length > 0) say(renderTable(barsTable('Bars', findings.bars)));
    for (const bar of findings.bars) figures.note({ type: 'bar', suite: suite.name, ...bar });
    // After each suite: a later one may fail.
    writeFileSync(join(out, 'report.html'), renderReport(reports, facts));
  }
  say(`Raw figures: ${resolve(out, 'figures.ndjson')}\nReport: ${resolve(out, 'report.html')}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
