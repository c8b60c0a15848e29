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
  /** The same sink; `fields` stand on each record. */
  child(fields: LogFields): Logger;
}

/** Builds the five methods and `child` over one function. */
export function createLogger(
  write: (level: LogLevel, message: string, fields: LogFields) => void,
  fields: LogFields = {},
): Logger {
  const log = (level: LogLevel, message: string, more?: LogFields) =>
    write(level, message, more === undefined ? fields : merged(fields, more));
  return {
    log,
    debug: (message, more) => log('debug', message, more),
    info: (message, more) => log('info', message, more),
    warn: (message, more) => log('warn', message, more),
    error: (message, more) => log('error', message, more),
    child: (more) => createLogger(write, merged(fields, more)),
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

export const silentLogger: Logger = createLogger(() => {});
