/** Loads a configuration in a thread: what a file could do to a parser, it does not do to the daemon. */

import { parentPort, workerData } from 'node:worker_threads';
import { ConfigError, type LoadedConfig, loadConfig } from '../config/load.ts';

export interface ConfigThreadData {
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export type ConfigThreadReply =
  | { readonly type: 'loaded'; readonly loaded: LoadedConfig }
  | { readonly type: 'invalid'; readonly report: string };

const { path, env } = workerData as ConfigThreadData;

parentPort?.postMessage(attempt());

function attempt(): ConfigThreadReply {
  try {
    return { type: 'loaded', loaded: loadConfig({ path, env }) };
  } catch (error) {
    return { type: 'invalid', report: error instanceof ConfigError ? error.report : String(error) };
  }
}
