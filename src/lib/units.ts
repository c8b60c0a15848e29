/** One number and one unit, as in `'30s'`, `'1.5h'`, `'250ms'`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;
/** As in `'512KiB'`. */
export type ByteSize = `${number}${'B' | 'KiB' | 'MiB' | 'GiB'}`;

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** What `parseDuration` takes, as the source of a regular expression. */
export const DURATION_PATTERN = patternOf(DURATION_UNITS);
/** What `parseBytes` takes. */
export const BYTES_PATTERN = patternOf(BYTE_UNITS);
/** What `parsePercent` takes, apart from the limit of 100. */
export const PERCENT_PATTERN = '^\\d+(\\.\\d+)?%$';

const QUANTITY = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/;

/** Milliseconds, a whole number; null when the text is not one number and one unit (`5`, `1h30m`, `5 s`, `-1s`). */
export const parseDuration = (text: string): number | null => parse(text, DURATION_UNITS);

/** Bytes, a whole number; null when the text is not one number and one unit (`512M`, `1,5MiB`). */
export const parseBytes = (text: string): number | null => parse(text, BYTE_UNITS);

/** A share between 0 and 1 from `'25%'`; null when it is not a percentage of 0 to 100. */
export function parsePercent(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)%$/.exec(text);
  const share = Number(match?.[1]) / 100;
  return match !== null && share <= 1 ? share : null;
}

/** The shortest exact or near text: `340ms`, `2.5s`, `3m 20s`, `4h 5m`, `2d 1h`. For people, not for parsing. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${trim(ms / 1_000)}s`;
  const [big, small, bigUnit, smallUnit] =
    ms < 3_600_000
      ? [60_000, 1_000, 'm', 's']
      : ms < 86_400_000
        ? [3_600_000, 60_000, 'h', 'm']
        : [86_400_000, 3_600_000, 'd', 'h'];
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)}${bigUnit}${rest === 0 ? '' : ` ${rest}${smallUnit}`}`;
}

/** As in `1.2 MiB`. For people. */
export function formatBytes(bytes: number): string {
  let [size, unit] = [bytes, 'B'];
  for (const [name, factor] of Object.entries(BYTE_UNITS)) {
    if (bytes >= factor) [size, unit] = [bytes / factor, name];
  }
  return `${trim(size)} ${unit}`;
}

function patternOf(units: Readonly<Record<string, number>>): string {
  return `^\\d+(\\.\\d+)?(${Object.keys(units).join('|')})$`;
}

function parse(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = QUANTITY.exec(text);
  const factor = Object.hasOwn(units, match?.[2] ?? '') ? units[match?.[2] ?? ''] : undefined;
  if (match === null || factor === undefined) return null;
  const value = Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(value) ? value : null;
}

const trim = (value: number): string => String(Math.round(value * 10) / 10);
