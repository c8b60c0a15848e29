import { Writable } from 'node:stream';
import winston from 'winston';
import { type Clock, systemClock } from '../lib/clock.ts';
import { createLogger, type LogFields, type Logger, type LogLevel } from '../lib/logger.ts';
import { formatJson, formatText, type LogRecord } from './log-format.ts';
import { LogSink, type LogTarget, StreamTarget } from './log-sink.ts';

export type LogFormat = 'json' | 'text';

export interface WinstonLoggerOptions {
  readonly level: LogLevel;
  /** One JSON object a line, or text for people. */
  readonly format: LogFormat;
  /** Default: stderr. */
  readonly stream?: NodeJS.WritableStream;
  /** Instead of a stream; never coloured. */
  readonly target?: LogTarget;
  readonly clock?: Clock;
  /** For NO_COLOR, FORCE_COLOR and TERM. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface WinstonLogger extends Logger {
  /** Takes effect for the next record, also of loggers made with `child`. */
  setLevel(level: LogLevel): void;
  setFormat(format: LogFormat): void;
  /** Records that were lost because the stream was full or closed. */
  readonly dropped: number;
}

const LEVELS: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** The daemon's log. A stream that is slow, full or gone costs records, never the daemon. */
export function createWinstonLogger(options: WinstonLoggerOptions): WinstonLogger {
  const { level, stream = process.stderr, clock = systemClock, env = process.env } = options;
  let { format } = options;
  const colors = options.target === undefined && wantsColors(stream, env);
  const sink = new LogSink(options.target ?? new StreamTarget(stream));
  const line = (record: LogRecord) => (format === 'json' ? formatJson(record) : formatText(record, colors));
  const target = winston.createLogger({
    level,
    levels: LEVELS,
    format: asItIs(),
    transports: [transportTo(sink, line)],
  });

  const write = (recordLevel: LogLevel, message: string, fields: LogFields) => {
    try {
      const record: LogRecord = {
        time: clock.now(),
        level: recordLevel,
        message: String(message),
        pid: process.pid,
        fields,
      };
      target.log({ level: recordLevel, message: '', record });
    } catch {
      // A clock or a message that throws: the caller's work goes on.
    }
  };
  const isOn = (asked: LogLevel) => LEVELS[asked] <= (LEVELS[target.level as LogLevel] ?? LEVELS.debug);
  return Object.defineProperties(createLogger(write, {}, isOn) as WinstonLogger, {
    setLevel: {
      value: (next: LogLevel) => {
        target.level = next;
      },
    },
    setFormat: {
      value: (next: LogFormat) => {
        format = next;
      },
    },
    dropped: { get: () => sink.dropped },
  });
}

/** Instead of winston's own JSON of each record, which ours would follow and which fails on hostile values. */
const asItIs = winston.format((info) => info);

/** Never makes winston wait: what is not written at once waits, within limits, in the sink's stream. */
function transportTo(sink: LogSink, line: (record: LogRecord) => string): winston.transport {
  const lost = (record: LogRecord) => (count: number) =>
    line({
      ...record,
      level: 'warn',
      message: 'log records were dropped: there was no room for them',
      fields: { count },
    });
  const stream = new Writable({
    objectMode: true,
    write({ record }: { record: LogRecord }, _encoding, next) {
      try {
        sink.write(line(record), lost(record));
      } catch {
        // A record that cannot be told is not worth the daemon's work.
      }
      next();
    },
  });
  return new winston.transports.Stream({ stream });
}

function wantsColors(stream: NodeJS.WritableStream, env: NonNullable<WinstonLoggerOptions['env']>): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  if ((env['FORCE_COLOR'] ?? '') !== '') return true;
  return (stream as { isTTY?: boolean }).isTTY === true && env['TERM'] !== 'dumb';
}
