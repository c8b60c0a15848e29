import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError, type LoadedConfig, loadConfig } from '../../../src/config/load.ts';

/** A folder of files for one test, removed by `remove`. */
export class TemporaryFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'forkloop-config-'));

  /** Writes a file; `modified` is its time in seconds since 1970. Answers its path. */
  write(name: string, content: string | Uint8Array = '', modified?: number): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    if (modified !== undefined) utimesSync(path, modified, modified);
    return path;
  }

  /** Loads a text as `s.yaml` beside a task module `tasks/a.js`. */
  load(text: string | Uint8Array, env: Readonly<Record<string, string>> = {}, cores = 8): LoadedConfig {
    this.write('tasks/a.js');
    return loadConfig({ path: this.write('s.yaml', text), env, cores });
  }

  /** What `load` throws. The folder's path is left out of the report. */
  refuse(
    text: string | Uint8Array,
    env: Readonly<Record<string, string>> = {},
  ): { error: ConfigError; report: string } {
    try {
      this.load(text, env);
    } catch (error) {
      if (error instanceof ConfigError)
        return { error, report: error.report.replaceAll(`${this.path}/`, '') };
      throw error;
    }
    throw new Error('the configuration was taken');
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The least that is a configuration. */
export const LEAST = `version: 1
tasks: ["tasks/*"]
pools:
  io: { kind: async, queues: [eta] }
`;
