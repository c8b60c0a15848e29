import type { BrokerOptions } from '../broker/open.ts';
import type { LoadedConfig } from '../config/load.ts';
import { ForkloopError } from '../lib/errors.ts';
import { OptionNames } from '../lib/option-names.ts';
import type { Duration } from '../lib/units.ts';

export interface ClientOptions {
  /** The daemon's configuration file, or what `loadConfig` made of it. Default: found as the daemon finds its own. */
  readonly config?: string | LoadedConfig;
  /** Instead of a configuration: `redis://…`, or the path of a daemon's `broker.sock`. Then there are no routes. */
  readonly broker?: string | BrokerOptions;
  /** With `broker`: the daemon's `namespace`. Default: forkloop. */
  readonly namespace?: string;
  /** How long one enqueue may take before it fails. Default: 2s. */
  readonly enqueueTimeout?: Duration;
}

const CLIENT_OPTIONS = new OptionNames<ClientOptions>('createClient', {
  config: true,
  broker: true,
  namespace: true,
  enqueueTimeout: true,
});

/** @throws ForkloopError ERR_OPTION_INVALID: no object, or it has an option that there is not */
export function checkClientOptions(options: unknown): void {
  if (typeof options === 'string') {
    const meant = /^rediss?:\/\//.test(options) ? 'broker' : 'config';
    throw new ForkloopError(
      'ERR_OPTION_INVALID',
      `createClient takes an object, not a string: write { ${meant}: '${options}' }`,
    );
  }
  CLIENT_OPTIONS.check(options);
}
