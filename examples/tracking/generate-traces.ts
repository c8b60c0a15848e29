/** Makes traces where no real ones are at hand: one per line, as load-trips.ts writes trips. */
import { parseArgs } from 'node:util';
import { generateTrace } from './trace/generate.ts';
import { writeLines } from './trace/line-writer.ts';
import { between, seededRandom, seedOf } from './trace/random.ts';

const HELP = `Usage: node generate-traces.js [options]

Writes noisy traces of drives through a town to the standard output, one line of
JSON each: {"device": "device-1", "points": [{"lat", "lng", "at"}, ...]}.
The same options give the same traces.

Options:
  --count N      traces (default 20)
  --points A..B  fixes in each, drawn between these (default 100..2000)
  --seed N       (default 1)
  -h, --help     print this
`;
const USAGE = 64;

function main(): Promise<number> | number {
  try {
    const { values } = parseArgs({
      options: {
        count: { type: 'string', default: '20' },
        points: { type: 'string', default: '100..2000' },
        seed: { type: 'string', default: '1' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      return 0;
    }
    return write(
      wholeNumber('--count', values.count),
      rangeOf(values.points),
      wholeNumber('--seed', values.seed),
    );
  } catch (error) {
    process.stderr.write(`generate-traces: ${(error as Error).message}\n\n${HELP}`);
    return USAGE;
  }
}

async function write(count: number, [fewest, most]: [number, number], seed: number): Promise<number> {
  await writeLines(process.stdout, traces());
  return 0;

  function* traces() {
    const random = seededRandom(seedOf('sizes', seed));
    for (let i = 1; i <= count; i++) {
      const points = Math.round(between(random, fewest, most));
      yield JSON.stringify(generateTrace({ seed: seedOf(seed, i), points, device: `device-${i}` }));
    }
  }
}

function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${option}: ${JSON.stringify(text)} is not a whole number`);
  return Number(text);
}

function rangeOf(text: string): [number, number] {
  const [fewest, most] = text.split('..').map((part) => wholeNumber('--points', part));
  if (fewest === undefined || most === undefined || fewest > most || most > 1_000_000) {
    throw new Error(`--points: ${JSON.stringify(text)} is not a range like 100..2000 (at most 1000000)`);
  }
  return [fewest, most];
}

process.exitCode = await main();
