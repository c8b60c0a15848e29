/** Starts a daemon that outlives its terminal, and waits until it works. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { callDaemon } from '../control/client.ts';
import { type ErrorCode, ForkloopError } from '../lib/errors.ts';
import { formatDuration } from '../lib/units.ts';
import { openLogFile } from '../supervisor/log-file.ts';
import { CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { EXIT } from './exit.ts';
import { printError } from './print-error.ts';
import { shortPath } from './status-view.ts';
import { DETACHED_VARIABLE, type StartMessage } from './waiting-parent.ts';

export interface DetachedStart {
  /** From `start` on. */
  readonly words: readonly string[];
  readonly cwd: string;
  /** Absolute. Gets what the process prints by itself, too. */
  readonly logFile: string;
}

/** A daemon that has just begun may not have heard of its broker yet. */
const BROKER_LOOKS = 5;
const BROKER_LOOK_MS = 200;

/** As a shell tells that Ctrl-C ended a program. */
const INTERRUPTED = 130;

/**
 * Answers 0 when the daemon is ready, else what it ended with. Whatever ends the wait early ends the daemon, too.
 * @throws ForkloopError ERR_LOG_FILE
 */
export async function startDetached(context: CommandContext, start: DetachedStart): Promise<number> {
  const { output, cwd, timeoutMs } = context;
  const child = spawnDaemon(context, start);
  const interrupt = new AbortController();
  const onSignal = () => {
    // Once more: the person does not want to wait for jobs.
    child.kill(interrupt.signal.aborted ? 'SIGKILL' : 'SIGTERM');
    interrupt.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  const result = await outcomeOf(child, context);
  if (interrupt.signal.aborted) {
    output.error('interrupted: no daemon was started');
    return INTERRUPTED;
  }
  if (result === 'late') {
    output.error(`the daemon was not ready within ${formatDuration(timeoutMs ?? 0)} and was stopped again`);
    return EXIT.timeout;
  }
  if (result !== 'ready') return tellFailure(result, start.logFile, context);
  await warnOfBroker(context);
  const report = { schema: 'forkloop.started/1', pid: child.pid ?? 0, log_file: start.logFile };
  await output.report(report, () => `started process ${report.pid}, log ${shortPath(report.log_file, cwd)}`);
  return EXIT.done;
}

/** So that it works is not what it looks like: a daemon waits for a broker that is away. */
async function warnOfBroker(context: CommandContext): Promise<void> {
  const { output, clock } = context;
  const options = { timeoutMs: CALL_TIMEOUT_MS, clock };
  const ask = () =>
    context
      .controlSocket()
      .then((socket) => callDaemon(socket, 'status', {}, options))
      .catch(() => null);
  let status = await ask();
  for (let look = 0; look < BROKER_LOOKS && status?.broker.up === false; look++) {
    await clock.sleep(BROKER_LOOK_MS);
    status = await ask();
  }
  if (status?.broker.up === false)
    output.warning(`the broker at ${status.broker.location} does not answer: the daemon waits for it`);
}

function spawnDaemon({ env }: CommandContext, { words, cwd, logFile }: DetachedStart): ChildProcess {
  mkdirSync(dirname(logFile), { recursive: true, mode: 0o700 });
  const log = openLogFile(logFile);
  try {
    return spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...words], {
      cwd,
      env: { ...env, [DETACHED_VARIABLE]: '1' },
      // A session of its own: the terminal's signals and its end do not reach it.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    });
  } finally {
    closeSync(log);
  }
}

interface Failure {
  readonly told: Extract<StartMessage, { type: 'failed' }> | null;
  readonly code: number | null;
  readonly signal: string | null;
}

/** `late`: not ready within `--timeout`; it has been ended. */
function outcomeOf(
  child: ChildProcess,
  { clock, timeoutMs }: CommandContext,
): Promise<'ready' | 'late' | Failure> {
  return new Promise((resolve) => {
    let told: Failure['told'] = null;
    let late = false;
    const timer =
      timeoutMs === null
        ? null
        : clock.setTimer(timeoutMs, () => {
            late = true;
            child.kill('SIGTERM');
          });
    const end = (result: 'ready' | 'late' | Failure) => {
      timer?.cancel();
      resolve(result);
    };
    child.on('message', (message: StartMessage) => {
      if (message.type === 'failed') told = message;
      else if (!late) end('ready');
    });
    child.once('error', (error) => {
      told = { type: 'failed', code: null, message: error.message };
      if (child.pid === undefined) end({ told, code: null, signal: null });
    });
    child.once('exit', (code, signal) => end(late ? 'late' : { told, code, signal }));
  });
}

function tellFailure({ told, code, signal }: Failure, logFile: string, context: CommandContext): number {
  const { output, cwd } = context;
  if (told?.code !== null && told?.code !== undefined)
    printError(new ForkloopError(told.code as ErrorCode, told.message), output);
  else
    output.error(
      told?.message ??
        `the daemon ended ${signal === null ? `with exit code ${code}` : `by ${signal}`} before it was ready`,
    );
  // A daemon that runs already has that log.
  if (told?.code !== 'ERR_ALREADY_RUNNING') output.message(`its log is ${shortPath(logFile, cwd)}`);
  return code === null || code === EXIT.done ? EXIT.failed : code;
}
