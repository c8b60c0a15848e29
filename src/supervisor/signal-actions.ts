import type { Built } from './build.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { Diagnosis } from './diagnosis.ts';
import type { Reloader } from './reloader.ts';
import { stepOnlyPool } from './scaling.ts';
import type { SignalListener } from './signals.ts';
import type { Supervision } from './supervise.ts';
import type { Supervisor } from './supervisor.ts';

export interface SignalTargets {
  readonly built: Built;
  readonly supervisor: Supervisor;
  readonly reloader: Reloader;
  readonly supervision: Supervision;
  readonly diagnosis: Diagnosis;
  readonly log: DaemonLog;
}

/** What each signal does. */
export function signalListener(targets: SignalTargets): SignalListener {
  const { built, supervisor, reloader, supervision, diagnosis, log } = targets;
  return {
    stop: (signal) => supervisor.signal(signal),
    reload: (all) => {
      if (!supervisor.works) return;
      reloader.reload(all).catch((error: unknown) => log.error('reload failed', { error: String(error) }));
    },
    step: (step) => {
      if (supervisor.works) stepOnlyPool(built.pools, step, log);
    },
    quiet: (quiet) => {
      if (supervisor.setQuiet(quiet)) supervision.loop.look();
      else if (quiet) log.info('the daemon starts or stops: it cannot be told to be quiet');
    },
    dump: () => void diagnosis.dump(),
    reopenLog: () => {
      log.reopen().catch((error: Error) => log.info('the log stays as it is', { error: error.message }));
    },
  };
}
