import { dirname, resolve } from 'node:path';
import { type Environment, interpolate } from './environment.ts';
import { valueAt } from './problem.ts';
import { configSchema } from './schema.ts';
import { SourceFile } from './source-file.ts';

/**
 * Where the daemon of a configuration file has its sockets, by a file that may be wrong elsewhere: a mistake in it must not
 * keep anybody from looking at the daemon that runs, or from stopping it. Null when the file does not tell.
 */
export function controlDirectoryOf(path: string, env: Environment): string | null {
  try {
    const said = directoryIn(new SourceFile(resolve(path)), env);
    const text = said ?? configSchema.shape.control.parse(undefined).directory;
    if (typeof text !== 'string') return null;
    const replaced = interpolate(text, env);
    return 'text' in replaced ? resolve(dirname(resolve(path)), replaced.text) : null;
  } catch {
    return null;
  }
}

function directoryIn(file: SourceFile, env: Environment): unknown {
  const place = ['control', 'directory'];
  try {
    return valueAt(file.read(env), place);
  } catch {
    return file.glimpse(place);
  }
}
