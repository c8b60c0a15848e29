import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Empty: all. */
  readonly suites: readonly string[];
  readonly quick: boolean;
  /** Null: as many as the suite thinks right. */
  readonly rounds: number | null;
  readonly out: string;
  readonly seed: number;
}

export function help(suites: readonly string[]): string {
  return `Usage: npm run bench -- [suite ...] [options]

Measures forkloop beside BullMQ and bee-queue, in turn in one run.

Suites: ${suites.join(', ')}; all if none is named.

Options:
  --quick     small loads, few rounds: for trying, not for figures
  --rounds N  so often each contender has its turn; figures are medians
  --out DIR   where figures.ndjson and report.html go (default: bench/results)
  --seed N    of the mixed load (default: 1)
  -h, --help  how it is used
`;
}

/** @throws Error in words for the user */
export function parseOptions(args: readonly string[], known: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      out: { type: 'string', default: 'bench/results' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no suite "${unknown}": there are ${known.join(', ')}`);
  const rounds = values.rounds === undefined ? null : wholeNumber('--rounds', values.rounds, 1);
  const seed = wholeNumber('--seed', values.seed, 0);
  return { suites: positionals, quick: values.quick, rounds, out: values.out, seed };
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least && text !== '') return value;
  throw new Error(`${option} ${text}: write a whole number from ${least}`);
}
