/** One daemon, put together and not started: the parts of `build`, and around them who reports, reloads and supervises. */

import type { LoadedConfig } from '../config/load.ts';
import type { LogOverrides } from '../config/log-overrides.ts';
import { commandTable } from '../control/commands.ts';
import type { StatusReport } from '../control/messages/daemon.ts';
import { ControlServer } from '../control/server.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { type Built, build, controlSocketOf, storeServersOf } from './build.ts';
import { createHandlers } from './control-handlers.ts';
import type { DaemonLog } from './daemon-log.ts';
import { Diagnosis } from './diagnosis.ts';
import type { Launch } from './launch.ts';
import { createNoteKeeper } from './note-keeper.ts';
import { awaitGone, readNote, takeOver } from './predecessor.ts';
import { createReloader } from './reload-target.ts';
import type { Reloader } from './reloader.ts';
import { createStatusReporter } from './status-reporter.ts';
import { supervise } from './supervise.ts';
import { Supervisor } from './supervisor.ts';

export interface AssembleOptions {
  readonly loaded: LoadedConfig;
  readonly version: string;
  readonly logOverrides: LogOverrides;
  readonly launch: Launch;
  /** Whether a broker that does not answer ends the daemon before it begins. */
  readonly requireBroker: boolean;
}

export interface Daemon {
  readonly built: Built;
  readonly supervisor: Supervisor;
  readonly reloader: Reloader;
  readonly supervision: ReturnType<typeof supervise>;
  readonly diagnosis: Diagnosis;
  readonly report: () => Promise<StatusReport>;
}

/**
 * `lock`: the identity of the instance lock, which the caller holds.
 * @throws BrokerError with `requireBroker`; nothing is left then.
 */
export async function assemble(
  options: AssembleOptions,
  lock: string,
  clock: Clock,
  log: DaemonLog,
): Promise<Daemon> {
  const { loaded } = options;
  const { directory } = loaded.config.control;
  const run = newId();
  const predecessor = readNote(directory, lock);
  // Before the store is opened: an embedded one takes back what was in flight, which must not run any more.
  const gone = predecessor !== null && (await awaitGone(predecessor, clock, log));
  const note = createNoteKeeper(directory, lock, run, log);
  const built = build({ loaded, run, clock, random: Math.random, log, onSession: note.session });
  if (options.requireBroker) await reachBroker(built);
  const reloader = createReloader(options, run, built, () => supervisor, clock, log);
  const reporter = createStatusReporter(options, built, reloader, clock, log);
  const report = () => reporter(supervisor.state);
  const commands = commandTable(
    createHandlers(
      built,
      reloader,
      report,
      () => supervisor,
      () => diagnosis,
      clock,
      log,
    ),
  );
  const { broker, pools, consumers, scheduler, check, leaseKeeper, sweeper } = built;
  const supervisor: Supervisor = new Supervisor(
    {
      broker,
      pools,
      consumers,
      scheduler,
      check,
      keepers: [leaseKeeper, sweeper],
      servers: [
        ...storeServersOf(loaded, broker, clock, log),
        new ControlServer({ path: controlSocketOf(loaded.config), commands, clock, log }),
      ],
      takeOver: async () => {
        if (gone) await takeOver(predecessor, broker, built.leaseMs, log);
        note.begin();
      },
    },
    { drainTimeoutMs: loaded.config.shutdown.drain_timeout, clock, log },
  );
  const supervision = supervise({
    loaded,
    built,
    supervisor,
    config: () => reloader.config,
    env: process.env,
    clock,
    log,
  });
  const state = () => supervisor.state;
  const diagnosis = new Diagnosis({
    built,
    supervision,
    config: () => reloader.config,
    state,
    status: report,
    log,
  });
  return { built, supervisor, reloader, supervision, diagnosis, report };
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
