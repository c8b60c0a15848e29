import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from './environment.ts';
import { ConfigError } from './problem.ts';

export interface ConfigSearch {
  /** What `--config` says. */
  readonly flag?: string | undefined;
  readonly env: Environment;
  readonly cwd: string;
}

/**
 * The path of the configuration file: `--config`, else FORKLOOP_CONFIG (neither is looked for), else the first that is
 * there of `config/supervisor.yaml` and `/etc/forkloop/supervisor.yaml`.
 *
 * @throws ConfigError that lists where it looked.
 */
export function findConfig({ flag, env, cwd }: ConfigSearch): string {
  const named = flag ?? env['FORKLOOP_CONFIG'];
  if (named !== undefined && named !== '') return named;
  const places = [join(cwd, 'config', 'supervisor.yaml'), '/etc/forkloop/supervisor.yaml'];
  const found = places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  const report = [
    'no configuration file: name one with --config or FORKLOOP_CONFIG. Looked for',
    ...places.map((place) => `  ${place}`),
  ].join('\n');
  throw new ConfigError([], report);
}
