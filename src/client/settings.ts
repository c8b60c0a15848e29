import type { BrokerOptions } from '../broker/open.ts';
import type { LoadedConfig } from '../config/load.ts';
import { DEFAULT_PRIORITY } from '../config/schema.ts';
import { createRouter, type Router } from '../task/router.ts';

/** What a client must know beside its broker. */
export interface ClientSettings {
  readonly router: Router;
  /** The queues that a pool serves; null when no configuration says so: then any name goes. */
  readonly queues: ReadonlySet<string> | null;
  readonly maxPayloadBytes: number;
  priority(queue: string): number;
  /** How long the queue keeps results by itself, ms; undefined when only on request. */
  resultTtlMs(queue: string): number | undefined;
}

/** Without a configuration: no routes, any queue, 1 MiB. */
export const plainSettings: ClientSettings = {
  router: createRouter([]),
  queues: null,
  maxPayloadBytes: 1024 ** 2,
  priority: () => DEFAULT_PRIORITY,
  resultTtlMs: () => undefined,
};

export function settingsOf({ config }: LoadedConfig): ClientSettings {
  return {
    router: createRouter(config.routes),
    queues: new Set(Object.values(config.pools).flatMap((pool) => pool.queues)),
    maxPayloadBytes: config.defaults.max_payload,
    priority: (queue) => config.queues[queue]?.priority ?? DEFAULT_PRIORITY,
    resultTtlMs: (queue) => config.queues[queue]?.keep?.results ?? config.defaults.keep.results,
  };
}

/** Where a configuration's daemon keeps its jobs, as openBrokerClient and openBroker take it. */
export function brokerOptionsOf({ config }: LoadedConfig): BrokerOptions {
  const { broker, namespace, control } = config;
  return broker.type === 'redis'
    ? { type: 'redis', url: broker.url, passwordFile: broker.password_file, namespace }
    : { type: 'embedded', path: broker.path, socket: `${control.directory}/broker.sock` };
}
