import { resolve } from 'node:path';
import { type Environment, interpolate } from './environment.ts';
import { error, type Finding } from './findings.ts';
import { type ConfigPath, valueAt } from './problem.ts';
import type { Config } from './schema.ts';

/** The configuration with every path absolute: what is relative starts at the folder of the file. */
export function withPaths(
  config: Config,
  data: unknown,
  folder: string,
  env: Environment,
): { readonly config: Config; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const absolute = (path: ConfigPath, text: string) => {
    // What the file says had its variables replaced already; a default of the schema has not.
    const replaced = valueAt(data, path) === undefined ? interpolate(text, env) : { text };
    if ('problem' in replaced) findings.push(error(path, replaced.problem));
    return resolve(folder, 'text' in replaced ? replaced.text : text);
  };
  const { broker, control, log } = config;
  return {
    config: {
      ...config,
      tasks: config.tasks.map((pattern) => resolve(folder, pattern)),
      broker:
        broker.type === 'embedded'
          ? { ...broker, path: absolute(['broker', 'path'], broker.path) }
          : {
              ...broker,
              ...(broker.password_file === undefined
                ? {}
                : { password_file: resolve(folder, broker.password_file) }),
            },
      control: { ...control, directory: absolute(['control', 'directory'], control.directory) },
      log: log.file === undefined ? log : { ...log, file: resolve(folder, log.file) },
    },
    findings,
  };
}

/** The patterns of `tasks`, absolute, in the order of the file; null for what is none. */
export function patternsOf(data: unknown, folder: string): (string | null)[] {
  const tasks = valueAt(data, ['tasks']);
  if (!Array.isArray(tasks)) return [];
  return tasks.map((pattern) =>
    typeof pattern === 'string' && pattern !== '' ? resolve(folder, pattern) : null,
  );
}
