import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Environment } from './environment.ts';
import { findingsOf } from './findings.ts';
import { hiddenFindings } from './hidden-findings.ts';
import { checkLogFile } from './log-file.ts';
import { findModules } from './modules.ts';
import { patternsOf, withPaths } from './paths.ts';
import type { Problem } from './problem.ts';
import { type Config, configSchema } from './schema.ts';
import { checkControlDirectory, checkSemantics } from './semantics.ts';
import { SourceFile } from './source-file.ts';

export { findConfig } from './find.ts';
export { ConfigError, type Problem } from './problem.ts';
export type { Config } from './schema.ts';

/** A configuration file that is fit to run. Frozen. */
export interface LoadedConfig {
  /** Absolute. */
  readonly path: string;
  readonly config: Config;
  /** The task modules that `tasks` matches: absolute paths, sorted; none where they are ignored. */
  readonly modules: readonly string[];
  readonly warnings: readonly Problem[];
  /** The warnings as text for people, as `ConfigError.report`; empty without any. */
  readonly report: string;
}

export interface LoadOptions {
  /** Relative to the working directory. */
  readonly path: string;
  /** For `${NAME}` in values. */
  readonly env: Environment;
  /** What the machine can run at once; a pool with more workers is warned about. */
  readonly cores?: number;
  /** `ignored`: for a program that only enqueues, where task modules and the log's folder need not be. Default: required. */
  readonly modules?: 'required' | 'ignored';
}

/**
 * Reads, checks and completes a configuration file, in bounded time whatever the file holds. Looks for the task modules
 * but loads none. Relative paths in the file start at its folder.
 *
 * @throws ConfigError (ERR_CONFIG_INVALID) with everything that is wrong; nothing else.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { path, env, cores = availableParallelism(), modules = 'required' } = options;
  const file = new SourceFile(resolve(path));
  const data = file.read(env);
  const folder = dirname(file.path);

  const checked = configSchema.safeParse(data);
  const placed = checked.success ? withPaths(checked.data, data, folder, env) : null;
  const search = findModules(modules === 'required' ? patternsOf(data, folder) : []);
  file.add([
    ...findingsOf(checked.error?.issues ?? [], data),
    ...(checked.success ? [] : hiddenFindings(checked.error.issues, data)),
    ...(placed === null
      ? []
      : [
          ...placed.findings,
          ...checkControlDirectory(placed.config.control.directory),
          ...(modules === 'required' ? checkLogFile(placed.config) : []),
        ]),
    ...checkSemantics(data, cores),
    ...search.findings,
  ]);
  if (placed === null || file.hasErrors) throw file.error();
  return deepFreeze({
    path: file.path,
    config: placed.config,
    modules: search.modules,
    warnings: [...file.problems],
    report: file.report(),
  });
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
