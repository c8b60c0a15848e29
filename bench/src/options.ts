import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Empty: all. */
  readonly suites: readonly string[];
  readonly quick: boolean;
  readonly out: string;
  readonly seed: number;
}

export function help(suites: readonly string[]): string {
  return `Usage: npm run bench -- [suite ...] [options]

Measures forkloop beside BullMQ and bee-queue, in turn in one run.

Suites: ${suites.join(', ')}; all if none is named.

Options:
  --quick     small loads, one round: for trying, not for figures
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
      out: { type: 'string', default: 'bench/results' },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return 'help';
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no suite "${unknown}": there are ${known.join(', ')}`);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed)) throw new Error(`--seed ${values.seed}: write a whole number`);
  return { suites: positionals, quick: values.quick, out: values.out, seed };
}
