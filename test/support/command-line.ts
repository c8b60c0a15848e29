/** The command line of the programs that people run by hand beside the tests. */

import { type ParseArgsConfig, parseArgs } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<Name extends string> = Readonly<Record<Name, string>>;

/** Of EX_USAGE in sysexits(3). */
const MISUSE = 64;

/** The options as given. Ends the process after `--help`, and with 64 and the usage where one is not known. */
export function readOptions<const Known extends Options>(
  usage: string,
  options: Known,
): ReturnType<typeof parseArgs<{ options: Known }>>['values'] {
  if (process.argv.slice(2).includes('--help')) {
    process.stdout.write(usage);
    process.exit(0);
  }
  try {
    return parseArgs<{ options: Known }>({ options }).values;
  } catch (error) {
    return misuse(`${(error as Error).message}\n\n${usage}`);
  }
}

/** Zero or more. */
export function numberOf<Name extends string>(values: Values<Name>, name: Name): number {
  const value = Number(values[name]);
  if (values[name].trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  return misuse(`--${name}: ${JSON.stringify(values[name])} is not a number from 0 on`);
}

/** One or more. */
export function countOf<Name extends string>(values: Values<Name>, name: Name): number {
  const text = values[name];
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  return misuse(`--${name}: ${JSON.stringify(text)} is not a whole number from 1 on`);
}

export function brokerOf(value: string): 'redis' | 'embedded' {
  if (value === 'redis' || value === 'embedded') return value;
  return misuse(`--broker: ${JSON.stringify(value)} is neither redis nor embedded`);
}

/** `mm:ss` since `from`, on the monotonic clock. */
export function elapsed(from: number): string {
  const seconds = Math.floor((performance.now() - from) / 1_000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}

function misuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(MISUSE);
}
