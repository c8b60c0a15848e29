export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What a record carries beside its message: JSON values only, snake_case keys (`job_id`, `pool`, `worker`). */
export type LogFields = Readonly<Record<string, unknown>>;

/** Never throws and never blocks, whatever happens to the place the records go to. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Whether records of this level are written: ask before making one that costs something, for each job. */
  isOn(level: LogLevel): boolean;
  /** The same sink; `fields` stand on each record. */
  child(fields: LogFields): Logger;
}

/** Builds the methods over one function. What `isOn` refuses never reaches it. */
export function createLogger(
  write: (level: LogLevel, message: string, fields: LogFields) => void,
  fields: LogFields = {},
  isOn: (level: LogLevel) => boolean = () => true,
): Logger {
  const log = (level: LogLevel, message: string, more?: LogFields) => {
    if (isOn(level)) write(level, message, more === undefined ? fields : merged(fields, more));
  };
  return {
    log,
    debug: (message, more) => log('debug', message, more),
    info: (message, more) => log('info', message, more),
    warn: (message, more) => log('warn', message, more),
    error: (message, more) => log('error', message, more),
    isOn,
    child: (more) => createLogger(write, merged(fields, more), isOn),
  };
}

/** Fields whose getters throw are left out, all of them: a record never costs its caller an error. */
function merged(fields: LogFields, more: LogFields): LogFields {
  try {
    return { ...fields, ...more };
  } catch {
    return fields;
  }
}

export const silentLogger: Logger = createLogger(
  () => {},
  {},
  () => false,
);
