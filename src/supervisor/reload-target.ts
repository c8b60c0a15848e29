import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../lib/clock.ts';
import { type Built, configureConsumers, configureSchedules, poolOptionsFor, scalePools } from './build.ts';
import { codeFingerprint } from './code-fingerprint.ts';
import { loadConfigApart } from './config-loader.ts';
import type { WinstonLogger } from './log.ts';
import { Reloader } from './reloader.ts';
import { schedulesChecked } from './schedules.ts';
import type { Supervisor } from './supervisor.ts';

/** A reloader of this daemon: where each change of the configuration goes. */
export function createReloader(
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
