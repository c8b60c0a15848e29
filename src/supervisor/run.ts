import type { LoadedConfig } from '../config/load.ts';
import { type LogOverrides, overrideLog } from '../config/log-overrides.ts';
import type { StatusReport } from '../control/messages/daemon.ts';
import { type Clock, type EpochMs, systemClock } from '../lib/clock.ts';
import { isForkloopError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { killGroup } from '../pool/host/process-group.ts';
import { type AssembleOptions, assemble } from './assemble.ts';
import type { Built } from './build.ts';
import { type DaemonLog, openDaemonLog } from './daemon-log.ts';
import { acquireInstanceLock } from './instance-lock.ts';
import { launchOf } from './launch.ts';
import { signalListener } from './signal-actions.ts';
import { listenForSignals } from './signals.ts';
import type { Supervisor } from './supervisor.ts';

export interface RunOptions {
  readonly loaded: LoadedConfig;
  readonly version: string;
  /** Of the command line; they win over the file. */
  readonly logOverrides: LogOverrides;
  /** The words that start it again, of a daemon that was started detached; else null. */
  readonly detached: readonly string[] | null;
  readonly terminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** Whether a broker that does not answer at the start ends the daemon; else it is waited for. */
  readonly requireBroker: boolean;
  /** Everything works: the pools, the claims, the sockets. */
  readonly onReady: (ready: Ready) => Promise<void>;
}

export interface Ready {
  readonly status: StatusReport;
  readonly tasks: readonly string[];
  /** The next tick of each schedule, jitter included. */
  readonly next: readonly { readonly schedule: string; readonly dueAt: EpochMs }[];
}

const EXIT_STOPPED = 0;
const EXIT_KILLED = 130;

/** Node.js never waits for processes that it did not start. */
const ADOPTS_ZOMBIES =
  'running as process 1: processes that tasks leave behind are never cleaned up; put an init before the daemon (docker run --init)';

/**
 * Is the daemon: from the lock to the end. Resolves with the exit code when it was told to stop, and nothing of it is left.
 * @throws ForkloopError ERR_ALREADY_RUNNING, ERR_LOG_FILE, ERR_POOL_NOT_READY, ERR_BROKER_UNFIT, ERR_BROKER_UNAVAILABLE (only with
 * `requireBroker`) …: nothing is left either.
 */
export async function runSupervisor(given: RunOptions): Promise<number> {
  const { terminal, detached } = given;
  const { env, pid } = process;
  const options = {
    ...given,
    loaded: overrideLog(given.loaded, given.logOverrides),
    launch: launchOf({ env, pid, cwd: process.cwd(), terminal: terminal.stdin, detached }),
  };
  const { config } = options.loaded;
  const clock = systemClock;
  const log = openDaemonLog(config, { terminal: terminal.stderr }, clock);
  process.title = `forkloop: ${config.name}`;
  const onFault = (error: Error) => log.error('a fault of forkloop ends the daemon', { err: error });
  process.on('uncaughtExceptionMonitor', onFault);
  try {
    if (process.pid === 1) log.warn(ADOPTS_ZOMBIES);
    const lock = await acquireInstanceLock(config.control.directory, clock);
    try {
      return await runLocked(options, lock.identity, clock, log);
    } finally {
      lock.release();
    }
  } catch (error) {
    // The caller says it on stderr. The log of a daemon that runs already is not ours to write to.
    const isSecond = isForkloopError(error) && error.code === 'ERR_ALREADY_RUNNING';
    if (log.file !== null && !isSecond) log.error('the daemon has failed', { err: error });
    throw error;
  } finally {
    process.off('uncaughtExceptionMonitor', onFault);
    await log.end();
  }
}

async function runLocked(
  options: RunOptions & AssembleOptions,
  lock: string,
  clock: Clock,
  log: DaemonLog,
): Promise<number> {
  const daemon = await assemble(options, lock, clock, log);
  const { built, supervisor, supervision } = daemon;
  await supervision.loop.start();
  supervisor.stopRequested.addEventListener('abort', () => setImmediate(() => supervision.loop.look()));
  const stopListening = listenForSignals(signalListener({ ...daemon, log }), {
    terminal: options.terminal.stdin,
  });
  const storeFailure = endWithStore(built, supervisor, log);
  try {
    const failure = () => storeFailure() ?? supervision.crashLoops.failure;
    return await live(supervisor, failure, async () => {
      const status = await daemon.report();
      supervision.loop.look();
      log.info('ready', { version: options.version, pid: process.pid, config: options.loaded.path });
      await options.onReady({ status, ...startFacts(built) });
    });
  } finally {
    // One more Ctrl-C must not change how a killed daemon exits.
    if (supervisor.killed.aborted) killWorkers(built);
    else stopListening();
    await supervision.end();
    log.info('stopped');
  }
}

/** What was answered is on disk; going on would acknowledge what is not. The result tells the failure, if there was one. */
function endWithStore({ broker }: Built, supervisor: Supervisor, log: Logger): () => Error | null {
  let failure: Error | null = null;
  void broker.failure?.then((error) => {
    if (supervisor.state === 'stopping') return;
    failure = error;
    log.error('the store has failed, the daemon ends', { error: error.message });
    supervisor.giveUp();
  });
  return () => failure;
}

function startFacts({ pools, scheduler }: Built): Omit<Ready, 'status'> {
  return {
    tasks: pools.flatMap((pool) => [...pool.tasks.keys()]),
    next: scheduler
      .list(1)
      .flatMap(({ schedule, next }) => next.map(({ dueAt }) => ({ schedule: schedule.name, dueAt }))),
  };
}

/** Starts, waits for the order to stop, stops. */
async function live(
  supervisor: Supervisor,
  failed: () => Error | null,
  onReady: () => Promise<void>,
): Promise<number> {
  try {
    await Promise.race([supervisor.start(), aborted(supervisor.stopRequested)]);
    if (supervisor.state === 'running') {
      await onReady();
      await aborted(supervisor.stopRequested);
    }
  } catch (error) {
    supervisor.giveUp();
    await supervisor.stop();
    throw error;
  }
  const killed = aborted(supervisor.killed).then(() => EXIT_KILLED);
  const code = await Promise.race([supervisor.stop().then(() => EXIT_STOPPED), killed]);
  const error = failed();
  if (error !== null) throw error;
  return code;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** The last resort of a person who has pressed Ctrl-C three times. */
function killWorkers({ pools }: Built): void {
  const pids = pools.flatMap((pool) => pool.status().workers.map(({ pid }) => pid));
  for (const pid of pids) {
    if (pid === null || pid === process.pid) continue;
    killGroup(pid, () => {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    });
  }
}
