import * as z from 'zod';
import {
  BYTES_PATTERN,
  DURATION_PATTERN,
  formatBytes,
  formatDuration,
  PERCENT_PATTERN,
  parseBytes,
  parseDuration,
  parsePercent,
} from '../lib/units.ts';

/** The longest a timer can wait (about 24.8 days): every duration that arms a timer ends here. */
export const LONGEST_WAIT_MS = 24 * 86_400_000;

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A text such as `30s` in the file; milliseconds in Config. */
export const duration = ({ min = 0, max = LONGEST_WAIT_MS }: Bounds = {}) =>
  quantity({
    parse: parseDuration,
    format: formatDuration,
    min,
    max,
    units: ['s', 'ms'],
    sample: '30s or 500ms',
    quantity: 'duration',
    pattern: DURATION_PATTERN,
  });

/** A text such as `1MiB` in the file; bytes in Config. */
export const byteSize = ({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}) =>
  quantity({
    parse: parseBytes,
    format: formatBytes,
    min,
    max,
    units: ['KiB', 'MiB'],
    sample: '512KiB or 1MiB',
    quantity: 'size',
    pattern: BYTES_PATTERN,
  });

/** A text such as `20%` in the file; a share between 0 and 1 in Config. */
export const percentage = () =>
  quantity({
    parse: parsePercent,
    format: (share) => `${share * 100}%`,
    min: 0,
    max: 1,
    units: ['%'],
    sample: '0% to 100%',
    quantity: 'percentage',
    pattern: PERCENT_PATTERN,
  });

/** A bare whole number. */
export const count = ({ min = 0, max = 1_000_000_000 }: Bounds = {}) => z.int().min(min).max(max);

export const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** What a pool or a queue may be called. Names of `Object.prototype` are refused: they are looked up in plain objects. */
export const name = () =>
  z
    .string()
    .refine((text) => NAME.test(text) && !(text in {}), {
      error: 'a name is letters, digits and _ . - (at most 64), and starts with a letter or digit',
    })
    .meta({ pattern: NAME.source });

interface Quantity {
  readonly parse: (text: string) => number | null;
  readonly format: (value: number) => string;
  readonly min: number;
  readonly max: number;
  /** Offered where a bare number stands. */
  readonly units: readonly string[];
  readonly sample: string;
  readonly quantity: 'duration' | 'size' | 'percentage';
  /** What a person may write, as the source of a regular expression. */
  readonly pattern: string;
}

/** What the JSON Schema of a quantity says beyond its pattern; for the reference, not for editors. */
export interface QuantityMeta {
  readonly quantity: Quantity['quantity'];
  /** As a person writes them; null where the limit says nothing. */
  readonly least: string | null;
  readonly most: string | null;
}

function quantity({ parse, format, min, max, units, sample, quantity, pattern }: Quantity) {
  const meta: QuantityMeta = {
    quantity,
    least: min > 0 ? format(min) : null,
    most: max === Number.MAX_SAFE_INTEGER || quantity === 'percentage' ? null : format(max),
  };
  const wrong = (input: unknown) => {
    if (typeof input === 'number')
      return `${input} has no unit, write ${units.map((unit) => `${input}${unit}`).join(' or ')}`;
    const [, unit = ''] = typeof input === 'string' ? (/^\s*[\d.]+\s*([a-z]+)\s*$/i.exec(input) ?? []) : [];
    if (unit !== '' && parse(`1${unit}`) === null)
      return `${JSON.stringify(input)}: there is no unit ${unit}, write ${sample}`;
    return `${JSON.stringify(input)} is not one number and one unit, write ${sample}`;
  };
  return z
    .string({ error: ({ input }) => (input === undefined ? undefined : wrong(input)) })
    .meta({ pattern, 'x-quantity': meta })
    .transform((text, context) => {
      const value = parse(text);
      const message =
        value === null
          ? wrong(text)
          : value < min
            ? `${text} is too little, the least is ${format(min)}`
            : value > max
              ? `${text} is too much, the most is ${format(max)}`
              : null;
      if (message === null) return value as number;
      context.issues.push({ code: 'custom', message, input: text });
      return z.NEVER;
    });
}
