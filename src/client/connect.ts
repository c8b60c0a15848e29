/** Everything heavy that a client needs: loaded at its first call, not when a module imports it. */

import { type BrokerOptions, openBrokerClient } from '../broker/open.ts';
import { findConfig, type LoadedConfig, loadConfig } from '../config/load.ts';
import type { Clock } from '../lib/clock.ts';
import { newId } from '../lib/ids.ts';
import { silentLogger } from '../lib/logger.ts';
import { DEFAULT_PRIORITY } from '../lib/priority.ts';
import { createRouter } from '../task/router.ts';
import { brokerOptionsOf } from './broker-options.ts';
import { BrokeredClient } from './brokered-client.ts';
import type { ClientOptions } from './client-options.ts';
import { type ClientSettings, plainSettings } from './settings.ts';

/** A call is given up early enough to be repeated: a reply that was lost then ends as stored, not as unknown. */
const LONGEST_CALL_MS = 2_000;

/** @throws ForkloopError ERR_CONFIG_INVALID, ERR_BROKER_UNFIT */
export async function connect(
  options: ClientOptions,
  timeoutMs: number,
  clock: Clock,
): Promise<BrokeredClient> {
  const { brokerOptions, settings } = sourceOf(options);
  const callDeadlineMs = Math.min(LONGEST_CALL_MS, timeoutMs / 2);
  const services = { callDeadlineMs, clock, random: Math.random, newId, log: silentLogger };
  const broker = openBrokerClient({ ...brokerOptions, ...services });
  await broker.start();
  return new BrokeredClient(broker, settings, { timeoutMs, callDeadlineMs }, clock);
}

function sourceOf(options: ClientOptions): { brokerOptions: BrokerOptions; settings: ClientSettings } {
  if (options.broker !== undefined) {
    const brokerOptions = namedBroker(options.broker, options.namespace ?? 'forkloop');
    return { brokerOptions, settings: plainSettings };
  }
  const { config } = options;
  const { env } = process;
  const path = () => (config as string | undefined) ?? findConfig({ env, cwd: process.cwd() });
  const loaded = typeof config === 'object' ? config : loadConfig({ path: path(), env, modules: 'ignored' });
  return { brokerOptions: brokerOptionsOf(loaded), settings: settingsOf(loaded) };
}

function namedBroker(broker: string | BrokerOptions, namespace: string): BrokerOptions {
  if (typeof broker === 'object') return broker;
  if (/^rediss?:\/\//.test(broker)) return { type: 'redis', url: broker, namespace };
  return { type: 'embedded', path: '', socket: broker };
}

export function settingsOf({ config }: LoadedConfig): ClientSettings {
  return {
    router: createRouter(config.routes),
    queues: new Set(Object.values(config.pools).flatMap((pool) => pool.queues)),
    maxPayloadBytes: config.defaults.max_payload,
    priority: (queue) => config.queues[queue]?.priority ?? DEFAULT_PRIORITY,
    resultTtlMs: (queue) => config.queues[queue]?.keep?.results ?? config.defaults.keep.results,
  };
}
