import { join } from 'node:path';
import type { Command } from 'commander';
import type { LoadedConfig } from '../config/load.ts';
import type { LogOverrides } from '../config/log-overrides.ts';
import { type Bind, type CommandContext, usageError } from './context.ts';
import { exitCodeOf } from './exit.ts';
import { addLogFlags, type LogFlags, logOverridesOf } from './log-flags.ts';
import { terminalWidth } from './output.ts';
import { shortPath } from './status-view.ts';
import { waitingParent } from './waiting-parent.ts';

export function addStart(program: Command, bind: Bind): void {
  const command = program
    .command('start')
    .description('run the daemon, in the foreground or detached')
    .option('--require-broker', 'end with 69 when the broker does not answer')
    .option('--detach', 'return when it is ready; it goes on by itself');
  addLogFlags(command)
    .addHelpText(
      'after',
      `
Ctrl-C or SIGTERM drains: nothing new is taken, running jobs may finish as long
as shutdown.drain_timeout says. A second Ctrl-C, or SIGQUIT, stops at once.
A broker that is away is waited for, with growing pauses, unless it is required.
On a terminal it shows what runs and what to try next; all else is its log.
Detached, its log is log.file, or else forkloop.log in the control directory;
Ctrl-C, or --timeout, before it is ready ends it. Service managers and
containers want it in the foreground.

Examples:
  supervisor start
  supervisor start -c /etc/forkloop/supervisor.yaml
  supervisor start --log-level debug
  supervisor start --detach && supervisor logs -f
`,
    )
    .action(bind(start));
}

interface StartFlags extends LogFlags {
  readonly requireBroker?: boolean;
  readonly detach?: boolean;
}

async function start(context: CommandContext, flags: StartFlags): Promise<number> {
  if (flags.detach === true) return detach(context, flags);
  const parent = waitingParent(context.env);
  if (parent === null) return run(context, flags, null);
  try {
    return await run(context, flags, () => parent.ready());
  } catch (error) {
    await parent.failed(error);
    return exitCodeOf(error);
  }
}

/** `onReady`: of a daemon whose parent waits. */
async function run(
  context: CommandContext,
  flags: StartFlags,
  onReady: (() => void) | null,
): Promise<number> {
  const { output, clock, cwd, version, stdin, stdout, stderr } = context;
  const began = clock.monotonic();
  const loaded = await context.loadConfig();
  if (loaded.report !== '' && onReady === null) output.errorText(loaded.report);
  const logOverrides = await logOverridesOf(flags, context);
  const { runSupervisor } = await import('../supervisor/run.ts');
  return runSupervisor({
    loaded,
    version,
    logOverrides,
    terminal: { stdin: stdin.isTTY === true, stdout: stdout.isTTY === true, stderr: stderr.isTTY === true },
    requireBroker: flags.requireBroker === true,
    detached: onReady === null ? null : wordsOf(flags, loaded, logOverrides),
    onReady: async ({ status, tasks, next }) => {
      onReady?.();
      if (!output.stderrIsTerminal || output.quiet) return;
      const { banner } = await import('./banner.ts');
      const facts = {
        status,
        tasks,
        next,
        now: clock.now(),
        readyMs: clock.monotonic() - began,
        drainMs: loaded.config.shutdown.drain_timeout,
        program: programName(cwd),
        finder: finderOf(loaded.path, context),
      };
      output.messageAsIs(banner(facts, { colors: output.errorColors, width: terminalWidth(stderr), cwd }));
    },
  });
}

async function detach(context: CommandContext, flags: StartFlags): Promise<number> {
  const { output, cwd, env } = context;
  if ((env['NOTIFY_SOCKET'] ?? '') !== '')
    throw usageError('--detach: a service manager starts this, and watches what it starts: leave it out');
  const [{ startDetached }, { DETACHED_LOG }] = await Promise.all([
    import('./detach.ts'),
    import('./logs.ts'),
  ]);
  const loaded = await context.loadConfig();
  if (loaded.report !== '') output.errorText(loaded.report);
  const { config } = loaded;
  const given = await logOverridesOf(flags, context);
  const logFile = given.file ?? config.log.file ?? join(config.control.directory, DETACHED_LOG);
  // What the configuration says is left to it: it may say something else when the daemon is restarted.
  const picked = config.log.file === undefined ? { ...given, file: logFile } : given;
  return startDetached(context, { words: wordsOf(flags, loaded, picked), cwd, logFile });
}

/** What starts the same daemon again, wherever it is called. */
function wordsOf(flags: StartFlags, { path }: LoadedConfig, { file, level, format }: LogOverrides): string[] {
  const option = (name: string, value: string | undefined) => (value === undefined ? [] : [name, value]);
  return [
    'start',
    ...option('--config', path),
    ...option('--log-file', file),
    ...option('--log-level', level),
    ...option('--log-format', format),
    ...(flags.requireBroker === true ? ['--require-broker'] : []),
  ];
}

/** As the user can type it again. */
function programName(cwd: string): string {
  const path = process.argv[1] ?? 'supervisor';
  return shortPath(path, cwd);
}

/** Commands look for the configuration as `start` did: the flag is needed only where it was needed here. */
function finderOf(path: string, { cwd, env }: CommandContext): string {
  const found =
    [`${cwd}/config/supervisor.yaml`, '/etc/forkloop/supervisor.yaml'].includes(path) ||
    env['FORKLOOP_CONFIG'] !== undefined;
  return found ? '' : `-c ${shortPath(path, cwd)}`;
}
