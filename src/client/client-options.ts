import type { BrokerOptions } from '../broker/open.ts';
import type { LoadedConfig } from '../config/load.ts';
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
