import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Built } from './build.ts';
import { ConsumptionWatch } from './consumption-watch.ts';
import { CrashLoopWatch } from './crash-loop-watch.ts';
import { openNotifyChannel } from './notify-channel.ts';
import { ServiceNotifier } from './service-notifier.ts';
import { ServiceReporter, watchdogOf } from './service-reporter.ts';
import { SuperviseLoop } from './supervise-loop.ts';
import type { Supervisor } from './supervisor.ts';

export interface SuperviseOptions {
  readonly loaded: LoadedConfig;
  readonly built: Built;
  readonly supervisor: Supervisor;
  /** That in force. */
  readonly config: () => Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What looks after a daemon from outside its work. */
export interface Supervision {
  readonly loop: SuperviseLoop;
  readonly consumption: ConsumptionWatch;
  readonly crashLoops: CrashLoopWatch;
  /** Ends the loop and says the last word to the service manager. */
  end(): Promise<void>;
}

export function supervise(options: SuperviseOptions): Supervision {
  const { built, supervisor, config, clock, log } = options;
  const consumption = new ConsumptionWatch({ ...built, clock, log });
  const service = serviceOf(options, consumption);
  const crashLoops = new CrashLoopWatch({ pools: built.pools, config, supervisor, log });
  const looks = [(now: number) => consumption.look(now), () => crashLoops.look(), service.look];
  const loop = new SuperviseLoop({ looks, clock, log });
  return {
    loop,
    consumption,
    crashLoops,
    end: async () => {
      await loop.stop();
      // A stop that was over within a round was not told yet.
      service.look();
      await service.flush();
    },
  };
}

interface ServiceLook {
  /** Tells what has changed. Without arguments: out of turn. */
  look(now?: number, lateMs?: number): void;
  flush(): Promise<void>;
}

/** Does nothing where no service manager listens. */
function serviceOf(
  { loaded, built, supervisor, env, clock, log }: SuperviseOptions,
  consumption: ConsumptionWatch,
): ServiceLook {
  const { pid } = process;
  const channel = openNotifyChannel({ env, pid, warn: (message, fields) => log.warn(message, fields) });
  if (channel === null) return { look: () => {}, flush: async () => {} };
  const notifier = new ServiceNotifier(channel, log);
  const { cold_grace } = loaded.config.shutdown;
  const reporter = new ServiceReporter({
    facts: () => ({
      state: supervisor.state,
      running: built.pools.reduce((sum, pool) => sum + pool.inFlight, 0),
      brokerUp: built.broker.up,
      stuck: consumption.stuck,
    }),
    send: (notice) => notifier.send(notice),
    watchdogMs: watchdogOf(env, pid),
    stopMs: () => supervisor.drainTimeoutMs + cold_grace,
  });
  return {
    look: (now = clock.monotonic(), lateMs = 0) => reporter.look(now, lateMs),
    flush: () => notifier.flush(),
  };
}
