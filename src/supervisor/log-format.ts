import pc from 'picocolors';
import { type EpochMs, isoTime } from '../lib/clock.ts';
import { toErrorRecord } from '../lib/errors.ts';
import type { LogFields, LogLevel } from '../lib/logger.ts';
import { printable, printableJson } from '../lib/printable.ts';

export interface LogRecord {
  readonly time: EpochMs;
  readonly level: LogLevel;
  readonly message: string;
  readonly pid: number;
  readonly fields: LogFields;
}

/** Characters of one record; a longer one loses its fields and the end of its message. */
const RECORD_LIMIT = 64 * 1024;

/** One line of JSON: `time level msg pid`, then the fields, which cannot replace these four. */
export function formatJson({ time, level, message, pid, fields }: LogRecord): string {
  const head = { time: isoTime(time), level, msg: message, pid };
  const line = stringify({ ...head, ...fields, ...head });
  if (line.length <= RECORD_LIMIT) return printableJson(line);
  return printableJson(stringify({ ...head, msg: message.slice(0, RECORD_LIMIT / 8), truncated: true }));
}

/** For people: short time, level, message, fields as key=value; an error's stack on lines of its own. */
export function formatText({ time, level, message, fields }: LogRecord, colors: boolean): string {
  const paint = pc.createColors(colors);
  const color = { debug: paint.dim, info: paint.green, warn: paint.yellow, error: paint.red }[level];
  const { err, ...rest } = fields;
  const pairs = Object.entries(rest).map(
    ([key, value]) => ` ${paint.dim(`${printable(key)}=`)}${formatValue(value)}`,
  );
  const line = `${paint.dim(isoTime(time).slice(11, 23))} ${color(level.toUpperCase().padEnd(5))} ${printable(message)}${pairs.join('')}${formatError(err)}`;
  return line.length <= RECORD_LIMIT ? line : `${line.slice(0, RECORD_LIMIT)}…`;
}

function formatValue(value: unknown): string {
  const isPlain = typeof value === 'string' && /^[^\s"=]+$/.test(value);
  return printable(isPlain ? value : stringify(value));
}

function formatError(err: unknown): string {
  if (err === undefined || err === null) return '';
  const { name, message, stack } = isRecord(err) ? err : toErrorRecord(err);
  const lines = (stack ?? `${name}: ${message}`).split('\n').map((line) => `\n    ${printable(line).trim()}`);
  return lines.join('');
}

const isRecord = (err: unknown): err is { name: string; message: string; stack?: string } =>
  typeof err === 'object' && err !== null && !(err instanceof Error) && 'message' in err && 'name' in err;

/** JSON of anything: errors as records, big integers as text, and a note in place of what cannot be told. */
function stringify(value: unknown): string {
  try {
    return json(value);
  } catch {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return '"[cannot be told as JSON]"';
    const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}:${stringifyPart(part)}`);
    return `{${parts.join(',')}}`;
  }
}

function stringifyPart(value: unknown): string {
  try {
    return json(value);
  } catch {
    return '"[cannot be told as JSON]"';
  }
}

/** Of a function or undefined JSON makes nothing at all. */
const json = (value: unknown): string => (JSON.stringify(value, replace) as string | undefined) ?? 'null';

function replace(_key: string, value: unknown): unknown {
  if (value instanceof Error) return toErrorRecord(value);
  return typeof value === 'bigint' ? String(value) : value;
}
