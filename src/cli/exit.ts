import type { Writable } from 'node:stream';
import { type ErrorCode, isForkloopError } from '../lib/errors.ts';

/** What the exit codes of every command mean. */
export const EXIT = {
  done: 0,
  /** It failed, or was refused. */
  failed: 1,
  /** A reload that the daemon can only do by a restart; nothing was changed. */
  restartNeeded: 2,
  notRunning: 3,
  noAnswer: 4,
  /** A job that was waited for is dead, cancelled or expired. */
  jobEnded: 5,
  /** It has not ended within `--timeout`. */
  timeout: 6,
  usage: 64,
  brokerAway: 69,
  /** A pool did not get ready, or a fault of our own. */
  internal: 70,
  lockHeld: 75,
  configInvalid: 78,
  /** The reader of our output went away, told as a shell tells it. */
  brokenPipe: 141,
} as const;

const BY_CODE: Partial<Readonly<Record<ErrorCode, number>>> = {
  ERR_USAGE: EXIT.usage,
  ERR_OPTION_INVALID: EXIT.usage,
  ERR_CONFIG_INVALID: EXIT.configInvalid,
  ERR_BROKER_UNFIT: EXIT.configInvalid,
  ERR_BROKER_UNAVAILABLE: EXIT.brokerAway,
  ERR_POOL_NOT_READY: EXIT.internal,
  ERR_ALREADY_RUNNING: EXIT.lockHeld,
  ERR_NOT_RUNNING: EXIT.notRunning,
  ERR_NO_ANSWER: EXIT.noAnswer,
  ERR_RESULT_TIMEOUT: EXIT.timeout,
  ERR_JOB_DEAD: EXIT.jobEnded,
  ERR_JOB_CANCELLED: EXIT.jobEnded,
  ERR_JOB_EXPIRED: EXIT.jobEnded,
};

/** The exit code for an error. A broker that is away because its daemon is says so by one of its causes. */
export function exitCodeOf(error: unknown): number {
  const code = codeOf(error);
  if (code === undefined) return EXIT.internal;
  if (code === 'ERR_BROKER_UNAVAILABLE') return brokerAwayCode(error);
  return BY_CODE[code] ?? EXIT.failed;
}

const MOST_CAUSES = 10;

function brokerAwayCode(error: unknown): number {
  let cause = error;
  for (let depth = 0; depth < MOST_CAUSES && cause instanceof Error; depth++) {
    const code = codeOf(cause);
    if (code === 'ERR_NOT_RUNNING' || code === 'ERR_NO_ANSWER') return BY_CODE[code] ?? EXIT.brokerAway;
    cause = cause.cause;
  }
  return EXIT.brokerAway;
}

/** The code of an error of ours; undefined for anything else (Node's own codes look alike). */
export function codeOf(error: unknown): ErrorCode | undefined {
  return isForkloopError(error) ? error.code : undefined;
}

/**
 * Ends the process, when what was printed has left it: a pipe takes 64 KiB at a time, and the rest of the text would be
 * lost. The only exit of the program; task modules that were loaded may hold it open otherwise.
 */
export async function exit(code: number, streams: readonly Writable[]): Promise<never> {
  await Promise.all(streams.map(flushed));
  process.exit(code);
}

function flushed(stream: Writable): Promise<void> {
  if (stream.destroyed || stream.writableEnded) return Promise.resolve();
  return new Promise((resolve) => {
    stream.once('error', () => resolve());
    stream.write('', () => resolve());
  });
}
