import { fstatSync, mkdirSync } from 'node:fs';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { createWinstonLogger, type LogFormat } from './log.ts';
import { LogFile } from './log-file.ts';

/** The log of a daemon, wherever it goes. */
export interface DaemonLog extends Logger {
  /** Absolute; null: stderr. */
  readonly file: string | null;
  /** Records that were not written. */
  readonly dropped: number;
  /** Level and format take effect for the next record. Where it goes stays. */
  configure(log: Config['log']): void;
  /** Answers the path. @throws ForkloopError ERR_LOG_FILE: there is none, or it cannot be opened; the old one stays. */
  reopen(): Promise<string>;
  /** Resolves when it is written, or a disk has kept us waiting for long enough. */
  end(): Promise<void>;
}

/** What waits at the end of the daemon is given so long. */
const END_MS = 1_000;

const STDERR = 2;

/** @throws ForkloopError ERR_LOG_FILE */
export function openDaemonLog(config: Config, { terminal }: { terminal: boolean }, clock: Clock): DaemonLog {
  const path = config.log.file ?? null;
  const target = path === null ? inherited() : openFile(config, path);
  const formatOf = ({ format }: Config['log']): LogFormat =>
    format !== 'auto' ? format : terminal && path === null ? 'text' : 'json';
  const logger = createWinstonLogger({
    level: config.log.level,
    format: formatOf(config.log),
    clock,
    ...(target === null ? {} : { target }),
  });
  const atExit = () => target?.flushNow();
  process.once('exit', atExit);
  const added: Omit<DaemonLog, keyof Logger | 'dropped'> = {
    file: path,
    configure: (log) => {
      logger.setLevel(log.level);
      logger.setFormat(formatOf(log));
    },
    reopen: async () => {
      if (target?.path === undefined || target.path === null) throw noFile();
      await target.reopen();
      logger.info('the log file was opened anew', { file: target.path });
      return target.path;
    },
    end: async () => {
      await Promise.race([target?.close(), clock.sleep(END_MS)]);
      process.off('exit', atExit);
    },
  };
  return Object.defineProperty({ ...logger, ...added } as DaemonLog, 'dropped', {
    get: () => logger.dropped,
  });
}

/** stderr that leads to a file: a slow or full disk must not matter there either. Null: it is a terminal, a pipe, … */
function inherited(): LogFile | null {
  try {
    return fstatSync(STDERR).isFile() ? LogFile.inherited(STDERR, () => {}) : null;
  } catch {
    return null;
  }
}

function openFile({ control }: Config, path: string): LogFile {
  mkdirSync(control.directory, { recursive: true, mode: 0o700 });
  return LogFile.at(path, (error) => {
    process.stderr.write(
      `forkloop: ${path} cannot be written: ${error.message}; records are dropped until it can\n`,
    );
  });
}

const noFile = (): ForkloopError =>
  new ForkloopError(
    'ERR_LOG_FILE',
    'the daemon writes its log to stderr, there is no file to open anew: set log.file, or start it with --log-file',
  );
