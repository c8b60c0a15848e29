import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type Command, Option } from 'commander';
import type { LoadedConfig } from '../config/load.ts';
import { CONTROL_SOCKET } from '../control/protocol.ts';
import type { Clock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import { parseDuration } from '../lib/units.ts';
import { FORMATS, type Format, Output, type Stream } from './output.ts';

/** What a command line runs in: everything that it takes from the process. */
export interface Surroundings {
  readonly stdin: Readable & { readonly isTTY?: boolean; readonly fd?: number };
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly version: string;
}

/** What every command is given beside its own arguments. */
export interface CommandContext extends Surroundings {
  readonly output: Output;
  /** Of `--timeout`; null when it was not given. */
  readonly timeoutMs: number | null;
  /** `ignored`: the task modules need not be there. @throws ForkloopError ERR_CONFIG_INVALID */
  loadConfig(modules?: 'required' | 'ignored'): Promise<LoadedConfig>;
  /** Of `--socket`, else of the configuration. @throws ForkloopError ERR_CONFIG_INVALID */
  controlSocket(): Promise<string>;
}

/** Answers the exit code. */
export type Action<Arguments extends unknown[]> = (
  context: CommandContext,
  ...given: Arguments
) => Promise<number>;

/** Turns an action of ours into one of commander's. */
export type Bind = <Arguments extends unknown[]>(
  action: Action<Arguments>,
) => (...given: unknown[]) => Promise<void>;

/** How long the daemon may take to answer when `--timeout` says nothing else. */
export const CALL_TIMEOUT_MS = 5_000;

interface GlobalFlags {
  readonly config?: string;
  readonly socket?: string;
  readonly output?: Format;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
  readonly timeout?: string;
}

/** Accepted before and after the command; each has a FORKLOOP_* variable, which a flag overrides. */
export function addGlobalOptions(program: Command): void {
  program
    .addOption(new Option('-c, --config <file>', 'the configuration').env('FORKLOOP_CONFIG'))
    .addOption(new Option('--socket <path>', "the daemon's control socket").env('FORKLOOP_SOCKET'))
    .addOption(
      new Option('-o, --output <format>', 'form of the data').choices(FORMATS).env('FORKLOOP_OUTPUT'),
    )
    .addOption(new Option('--timeout <duration>', 'give up after, as in 30s').env('FORKLOOP_TIMEOUT'))
    .addOption(new Option('-q, --quiet', 'no messages, only data and errors (env: FORKLOOP_QUIET)'))
    .addOption(new Option('-v, --verbose', 'more messages (env: FORKLOOP_VERBOSE)'))
    .addOption(new Option('--no-color', 'no colours (env: NO_COLOR, FORCE_COLOR)'));
}

/** @throws ForkloopError ERR_USAGE for a flag or variable that cannot be understood. */
export function contextOf(flags: GlobalFlags, surroundings: Surroundings): CommandContext {
  const { env, cwd, stdout, stderr } = surroundings;
  const output = new Output({
    stdout,
    stderr,
    env,
    format: flags.output ?? 'table',
    quiet: flags.quiet ?? isOn(env['FORKLOOP_QUIET']),
    verbose: flags.verbose ?? isOn(env['FORKLOOP_VERBOSE']),
    color: flags.color === false || isOn(env['FORKLOOP_NO_COLOR']) ? false : undefined,
  });
  const configPath = async (): Promise<string> => {
    const { findConfig } = await import('../config/load.ts');
    const named = flags.config ?? '';
    return named === '' ? findConfig({ env, cwd }) : resolve(cwd, named);
  };
  const loadConfig = async (modules: 'required' | 'ignored' = 'required'): Promise<LoadedConfig> => {
    const { loadConfig: load } = await import('../config/load.ts');
    return load({ path: await configPath(), env, modules });
  };
  return {
    ...surroundings,
    output,
    timeoutMs: flags.timeout === undefined ? null : durationOf('--timeout', flags.timeout),
    loadConfig,
    controlSocket: async () => {
      if (flags.socket !== undefined) return resolve(cwd, flags.socket);
      return configPath()
        .then((path) => socketOf(path, env))
        .catch(tellOfSocket);
    },
  };
}

/** A file with mistakes still tells where its daemon is, if one is there. @throws ForkloopError ERR_CONFIG_INVALID */
async function socketOf(path: string, env: Surroundings['env']): Promise<string> {
  const { controlDirectoryOf } = await import('../config/control-directory.ts');
  const directory = controlDirectoryOf(path, env);
  if (directory !== null && existsSync(join(directory, CONTROL_SOCKET)))
    return join(directory, CONTROL_SOCKET);
  const { loadConfig } = await import('../config/load.ts');
  const { config } = loadConfig({ path, env, modules: 'ignored' });
  return join(config.control.directory, CONTROL_SOCKET);
}

async function tellOfSocket(error: unknown): Promise<never> {
  const { ConfigError } = await import('../config/problem.ts');
  if (!(error instanceof ConfigError)) throw error;
  const hint = 'A daemon that runs is reached without it as well: --socket DIRECTORY/control.sock';
  throw new ConfigError(error.problems, `${error.report}\n${hint}`);
}

/** @throws ForkloopError ERR_USAGE */
export function durationOf(flag: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw usageError(`${flag}: ${JSON.stringify(text)} is no duration: write 30s, 500ms or 5m`);
  return ms;
}

export const usageError = (message: string): ForkloopError => new ForkloopError('ERR_USAGE', message);

/** How a variable that stands for a flag is read. */
export const isOn = (text: string | undefined): boolean =>
  text !== undefined && !['', '0', 'false', 'no'].includes(text.toLowerCase());
