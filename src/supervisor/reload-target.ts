import type { LoadedConfig } from '../config/load.ts';
import { type LogOverrides, overrideLog } from '../config/log-overrides.ts';
import type { Clock } from '../lib/clock.ts';
import {
  type Built,
  configureConsumers,
  configureSchedules,
  poolOptionsFor,
  rehearseSchedules,
  scalePools,
} from './build.ts';
import { codeFingerprint } from './code-fingerprint.ts';
import { type LoadedAgain, loadConfigApart } from './config-loader.ts';
import type { DaemonLog } from './daemon-log.ts';
import { Reloader } from './reloader.ts';
import { schedulesChecked } from './schedule-check.ts';
import type { Supervisor } from './supervisor.ts';

/** A reloader of this daemon: where each change of the configuration goes. */
export function createReloader(
  { loaded, logOverrides }: { readonly loaded: LoadedConfig; readonly logOverrides: LogOverrides },
  run: string,
  built: Built,
  supervisor: () => Supervisor,
  clock: Clock,
  log: DaemonLog,
): Reloader {
  const applyHot = (next: LoadedConfig) => {
    log.configure(next.config.log);
    supervisor().drainTimeoutMs = next.config.shutdown.drain_timeout;
    configureConsumers(next, built);
    configureSchedules(next, built, log);
    scalePools(next, built);
  };
  const roll = async (name: string, next: LoadedConfig, generation: number) => {
    await built.pools.find((pool) => pool.name === name)?.roll(poolOptionsFor(name, next, run, generation));
  };
  const load = async () =>
    schedulesChecked(
      overridden(await loadConfigApart(loaded.path, clock), logOverrides),
      (next, inputs) => rehearseSchedules(next, run, inputs, clock),
      process.env,
    );
  return new Reloader({ loaded, load, fingerprint: codeFingerprint, target: { applyHot, roll }, log });
}

const overridden = (again: LoadedAgain, log: LogOverrides): LoadedAgain =>
  again.type === 'loaded' ? { ...again, loaded: overrideLog(again.loaded, log) } : again;
