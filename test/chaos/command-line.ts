/** What the commands of this folder share: options read or refused with exit code 64, and the time in front of each line. */

type Values<Name extends string> = Readonly<Record<Name, string>>;

/** Zero or more. */
export function numberOf<Name extends string>(values: Values<Name>, name: Name): number {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  return refuse(`--${name}: ${values[name]} is not a number`);
}

export function brokerOf(value: string): 'redis' | 'embedded' {
  if (value === 'redis' || value === 'embedded') return value;
  return refuse(`--broker: ${value} is neither redis nor embedded`);
}

/** `mm:ss` since `from`, on the monotonic clock. */
export function elapsed(from: number): string {
  const seconds = Math.floor((performance.now() - from) / 1_000);
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}

function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(64);
}
