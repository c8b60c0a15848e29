import { parseArgs } from 'node:util';

export interface DemoOptions {
  readonly quick: boolean;
  readonly seed: number;
  /** A CSV of real fixes. */
  readonly data: string | null;
  readonly repeat: number;
  readonly report: string;
}

export const HELP = `Usage: npm run demo -- [options]

Runs one mixed load of CPU and I/O jobs three times through the real daemon: in a
process pool alone, in an async pool alone, and in both together. Prints how long
the jobs took and writes a report with a picture. Takes a bit more than a minute.

Options:
  --quick         a few seconds only: shows that it works, not how fast
  --seed N        another load (default 1)
  --data FILE     filter real traces: a CSV with lat,lng,datetime,uid (.gz too)
  --repeat N      run each mode N times, report the middle one (default 1)
  --report FILE   where the report goes (default demo-report.html)
  -h, --help      print this

Exit codes: 0 done; 1 a job did not complete, or the demo could not run; 64 usage;
130 interrupted.
`;

/** @throws Error that says which option is wrong. */
export function parseOptions(args: string[]): DemoOptions | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      data: { type: 'string' },
      repeat: { type: 'string', default: '1' },
      report: { type: 'string', default: 'demo-report.html' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  return {
    quick: values.quick,
    seed: wholeNumber('--seed', values.seed, 0, 2 ** 32 - 1),
    data: values.data ?? null,
    repeat: wholeNumber('--repeat', values.repeat, 1, 100),
    report: values.report,
  };
}

function wholeNumber(option: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= least && value <= most) return value;
  throw new Error(`${option}: ${JSON.stringify(text)} is not a whole number from ${least} to ${most}`);
}
