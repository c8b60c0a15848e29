import { resolve } from 'node:path';
import type { LoadedConfig } from './load.ts';
import type { Config } from './schema.ts';

/** What the command line says of the log; it wins over the file, also when that is read anew. */
export interface LogOverrides {
  readonly level?: Config['log']['level'] | undefined;
  readonly format?: Config['log']['format'] | undefined;
  /** Absolute. */
  readonly file?: string | undefined;
}

export function overrideLog(loaded: LoadedConfig, { level, format, file }: LogOverrides): LoadedConfig {
  const log = {
    ...loaded.config.log,
    ...(level === undefined ? {} : { level }),
    ...(format === undefined ? {} : { format }),
    ...(file === undefined ? {} : { file: resolve(file) }),
  };
  return { ...loaded, config: { ...loaded.config, log } };
}
