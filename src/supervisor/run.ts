import type { LoadedConfig } from '../config/load.ts';
import { commandTable } from '../control/commands.ts';
import type { StatusReport } from '../control/protocol.ts';
import { ControlServer } from '../control/server.ts';
import { type Clock, type EpochMs, systemClock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import {
  type Built,
  build,
  configureConsumers,
  configureSchedules,
  controlSocketOf,
  poolOptionsFor,
  scalePools,
  storeServersOf,
} from './build.ts';
import { codeFingerprint } from './code-fingerprint.ts';
import { loadConfigApart } from './config-loader.ts';
import { createHandlers } from './control-handlers.ts';
import { Diagnosis } from './diagnosis.ts';
import { acquireInstanceLock } from './instance-lock.ts';
import { createWinstonLogger, type WinstonLogger } from './log.ts';
import { awaitGone, bootId, readNote, takeOver, writeNote } from './predecessor.ts';
import { Reloader } from './reloader.ts';
import { schedulesChecked } from './schedules.ts';
import { signalListener } from './signal-actions.ts';
import { listenForSignals } from './signals.ts';
import { createStatusReporter } from './status-reporter.ts';
import { supervise } from './supervise.ts';
import { Supervisor } from './supervisor.ts';

export interface RunOptions {
  readonly loaded: LoadedConfig;
  readonly version: string;
  readonly terminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** Whether a broker that does not answer at the start ends the daemon; else it is waited for. */
  readonly requireBroker: boolean;
  /** Everything works: the pools, the claims, the sockets. */
  readonly onReady: (ready: Ready) => void;
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
 * @throws ForkloopError ERR_ALREADY_RUNNING, ERR_POOL_NOT_READY, ERR_BROKER_UNFIT, ERR_BROKER_UNAVAILABLE (only with
 * `requireBroker`) …: nothing is left either.
 */
export async function runSupervisor(options: RunOptions): Promise<number> {
  const { loaded, terminal } = options;
  const { config } = loaded;
  const clock = systemClock;
  const format = config.log.format === 'auto' ? (terminal.stderr ? 'text' : 'json') : config.log.format;
  const log = createWinstonLogger({ level: config.log.level, format });
  process.title = `forkloop: ${config.name}`;
  if (process.pid === 1) log.warn(ADOPTS_ZOMBIES);
  const lock = await acquireInstanceLock(config.control.directory, clock);
  try {
    return await runLocked(options, lock.identity, clock, log);
  } finally {
    lock.release();
  }
}

async function runLocked(
  options: RunOptions,
  lock: string,
  clock: Clock,
  log: WinstonLogger,
): Promise<number> {
  const { loaded, version } = options;
  const { directory } = loaded.config.control;
  const run = newId();
  const predecessor = readNote(directory, lock);
  // Before the store is opened: an embedded one takes back what was in flight, which must not run any more.
  const gone = predecessor !== null && (await awaitGone(predecessor, clock, log));
  const note = noteKeeper(directory, lock, run, log);
  const built = build({ loaded, run, clock, random: Math.random, log, onSession: note.session });
  if (options.requireBroker) await reachBroker(built);
  const reloader = createReloader(loaded, run, built, () => supervisor, clock, log);
  const report = createStatusReporter(options, built, reloader, clock);
  const supervisor: Supervisor = new Supervisor(
    {
      broker: built.broker,
      pools: built.pools,
      consumers: built.consumers,
      scheduler: built.scheduler,
      check: built.check,
      keepers: [built.leaseKeeper, built.sweeper],
      servers: [
        ...storeServersOf(loaded, built.broker, clock, log),
        new ControlServer({
          path: controlSocketOf(loaded.config),
          commands: commandTable(
            createHandlers(
              built,
              reloader,
              () => report(supervisor.state),
              () => supervisor,
              () => diagnosis,
              clock,
            ),
          ),
          clock,
          log,
        }),
      ],
      takeOver: async () => {
        if (gone) await takeOver(predecessor, built.broker, built.leaseMs, log);
        note.begin();
      },
    },
    { drainTimeoutMs: loaded.config.shutdown.drain_timeout, clock, log },
  );
  const supervision = supervise({ loaded, built, supervisor, env: process.env, clock, log });
  await supervision.loop.start();
  supervisor.stopRequested.addEventListener('abort', () => setImmediate(() => supervision.loop.look()));
  const diagnosis = new Diagnosis({
    built,
    supervision,
    config: () => reloader.config,
    state: () => supervisor.state,
    status: () => report(supervisor.state),
    log,
  });
  const acting = signalListener({ built, supervisor, reloader, supervision, diagnosis, log });
  const stopListening = listenForSignals(acting, {
    terminal: options.terminal.stdin,
  });
  // What was answered is on disk; going on would acknowledge what is not.
  let storeFailure: Error | null = null;
  void built.broker.failure?.then((error) => {
    if (supervisor.state === 'stopping') return;
    storeFailure = error;
    log.error('the store has failed, the daemon ends', { error: error.message });
    supervisor.giveUp();
  });
  try {
    return await live(
      supervisor,
      () => storeFailure,
      async () => {
        const status = await report(supervisor.state);
        supervision.loop.look();
        log.info('ready', { version, pid: process.pid, config: loaded.path });
        options.onReady({ status, ...startFacts(built) });
      },
    );
  } finally {
    // One more Ctrl-C must not change how a killed daemon exits.
    if (supervisor.killed.aborted) killWorkers(built);
    else stopListening();
    await supervision.end();
    log.info('stopped');
  }
}

function startFacts({ pools, scheduler }: Built): Omit<Ready, 'status'> {
  return {
    tasks: pools.flatMap((pool) => [...pool.tasks.keys()]),
    next: scheduler
      .list(1)
      .flatMap(({ schedule, next }) => next.map(({ dueAt }) => ({ schedule: schedule.name, dueAt }))),
  };
}

/** Before any worker is made. @throws BrokerError: it does not answer; it is closed then. */
async function reachBroker({ broker, pools }: Built): Promise<void> {
  try {
    await broker.start();
    for (const queue of pools[0]?.queues.slice(0, 1) ?? []) await broker.stats(queue);
  } catch (error) {
    await broker.close();
    throw error;
  }
}

function createReloader(
  loaded: LoadedConfig,
  run: string,
  built: Built,
  supervisor: () => Supervisor,
  clock: Clock,
  log: WinstonLogger,
): Reloader {
  const applyHot = (next: LoadedConfig) => {
    log.setLevel(next.config.log.level);
    supervisor().drainTimeoutMs = next.config.shutdown.drain_timeout;
    configureConsumers(next, built);
    configureSchedules(next, built, log);
    scalePools(next, built);
  };
  const roll = async (name: string, next: LoadedConfig, generation: number) => {
    await built.pools.find((pool) => pool.name === name)?.roll(poolOptionsFor(name, next, run, generation));
  };
  const load = async () => schedulesChecked(await loadConfigApart(loaded.path, clock), built.pools);
  return new Reloader({ loaded, load, fingerprint: codeFingerprint, target: { applyHot, roll }, log });
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

/** Keeps the note for a successor up to date: written when a lease is opened, before anything is claimed with it. */
function noteKeeper(directory: string, lock: string, run: string, log: Logger) {
  const sessions: Record<string, string> = {};
  const write = () => {
    try {
      writeNote(directory, { bootId: bootId(), lock, run, pid: process.pid, sessions });
    } catch (error) {
      // Only the early handover is lost: a successor waits for the leases to lapse.
      log.warn('the note for a successor cannot be written', { directory, error: String(error) });
    }
  };
  return {
    begin: write,
    session: (queue: string, daemon: string) => {
      sessions[queue] = daemon;
      write();
    },
  };
}

/** The last resort of a person who has pressed Ctrl-C three times. */
function killWorkers({ pools }: Built): void {
  const pids = pools.flatMap((pool) => pool.status().workers.map(({ pid }) => pid));
  for (const pid of pids) {
    if (pid === null || pid === process.pid) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}
