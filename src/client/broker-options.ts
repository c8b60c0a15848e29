import type { BrokerOptions } from '../broker/open.ts';
import type { LoadedConfig } from '../config/load.ts';

/** Where a configuration's daemon keeps its jobs, as openBrokerClient and openBroker take it. */
export function brokerOptionsOf({ config }: LoadedConfig): BrokerOptions {
  const { broker, namespace, control } = config;
  return broker.type === 'redis'
    ? { type: 'redis', url: broker.url, passwordFile: broker.password_file, namespace }
    : { type: 'embedded', path: broker.path, socket: `${control.directory}/broker.sock` };
}
