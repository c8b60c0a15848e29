/** One line of a log file: what it says, whether it is asked for, and how a person reads it. */

import { isoTime } from '../lib/clock.ts';
import type { LogLevel } from '../lib/logger.ts';
import { formatText } from '../supervisor/log-format.ts';
import { cleanText } from './table.ts';

/** A record of the daemon; `fields`: all but time, level, message and pid. */
export interface LoggedRecord {
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly pid: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LogFilter {
  /** This one and those above it. */
  readonly level?: LogLevel | undefined;
  readonly job?: string | undefined;
  readonly task?: string | undefined;
  readonly pool?: string | undefined;
}

export const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** Null for what is no record: a log in text form, or what Node.js itself printed. */
export function parseLine(line: string): LoggedRecord | null {
  if (!line.startsWith('{')) return null;
  try {
    const { time, level, msg, pid, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const at = Date.parse(String(time));
    if (Number.isNaN(at) || typeof msg !== 'string' || !LEVELS.includes(level as LogLevel)) return null;
    return { time: at, level: level as LogLevel, message: msg, pid: Number(pid), fields };
  } catch {
    return null;
  }
}

export const filters = (filter: LogFilter): boolean =>
  Object.values(filter).some((value) => value !== undefined);

/** A line that is no record passes where nothing is asked for. */
export function passes(record: LoggedRecord | null, filter: LogFilter): boolean {
  if (record === null) return !filters(filter);
  const { level, job, task, pool } = filter;
  const { fields } = record;
  return (
    (level === undefined || LEVELS.indexOf(record.level) >= LEVELS.indexOf(level)) &&
    (job === undefined || fields['job_id'] === job) &&
    (task === undefined || fields['task'] === task) &&
    (pool === undefined || fields['pool'] === pool)
  );
}

/** As the daemon shows it on a terminal. `wide`: with the date. */
export function lineText(line: string, record: LoggedRecord | null, colors: boolean, wide: boolean): string {
  if (record === null) return cleanText(line);
  const day = wide ? `${isoTime(record.time).slice(0, 10)} ` : '';
  return `${day}${formatText(record, colors)}`;
}
