import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { LogOverrides } from '../config/log-overrides.ts';
import { type CommandContext, usageError } from './context.ts';

export interface LogFlags {
  readonly logFile?: string;
  readonly logLevel?: NonNullable<LogOverrides['level']>;
  readonly logFormat?: NonNullable<LogOverrides['format']>;
}

export function addLogFlags(command: Command): Command {
  return command
    .addOption(new Option('--log-file <path>', 'instead of stderr').env('FORKLOOP_LOG_FILE'))
    .addOption(
      new Option('--log-level <level>', 'the least important records')
        .choices(['debug', 'info', 'warn', 'error'])
        .env('FORKLOOP_LOG_LEVEL'),
    )
    .addOption(
      new Option('--log-format <format>', 'auto: text on a terminal, else json')
        .choices(['auto', 'json', 'text'])
        .env('FORKLOOP_LOG_FORMAT'),
    );
}

/** @throws ForkloopError ERR_USAGE: no log can be kept there. */
export async function logOverridesOf(
  { logFile, logLevel, logFormat }: LogFlags,
  { cwd }: CommandContext,
): Promise<LogOverrides> {
  const { logFileProblem } = await import('../config/log-file.ts');
  const file = logFile === undefined || logFile === '' ? undefined : resolve(cwd, logFile);
  const problem = file === undefined ? null : logFileProblem(file);
  if (problem !== null) throw usageError(`--log-file ${file}: ${problem}`);
  return { level: logLevel, format: logFormat, file };
}
