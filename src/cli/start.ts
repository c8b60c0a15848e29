import type { Command } from 'commander';
import { banner } from './banner.ts';
import type { Bind, CommandContext } from './context.ts';
import { addLogFlags, type LogFlags, logOverridesOf } from './log-flags.ts';
import { terminalWidth } from './output.ts';
import { shortPath } from './status-view.ts';

export function addStart(program: Command, bind: Bind): void {
  const command = program
    .command('start')
    .description('run the daemon in the foreground')
    .option('--require-broker', 'end with 69 when the broker does not answer at the start');
  addLogFlags(command)
    .addHelpText(
      'after',
      `
Ctrl-C or SIGTERM drains: nothing new is taken, running jobs may finish as long
as shutdown.drain_timeout says. A second Ctrl-C, or SIGQUIT, stops at once.
A broker that is away is waited for, with growing pauses, unless it is required.

Examples:
  supervisor start
  supervisor start -c /etc/forkloop/supervisor.yaml
  supervisor start --log-level debug
`,
    )
    .action(bind(start));
}

interface StartFlags extends LogFlags {
  readonly requireBroker?: boolean;
}

async function start(context: CommandContext, flags: StartFlags): Promise<number> {
  const { output, clock, cwd, version, stdin, stdout, stderr } = context;
  const began = clock.monotonic();
  const loaded = await context.loadConfig();
  if (loaded.report !== '') output.errorText(loaded.report);
  const { runSupervisor } = await import('../supervisor/run.ts');
  return runSupervisor({
    loaded,
    version,
    logOverrides: logOverridesOf(flags, context),
    terminal: { stdin: stdin.isTTY === true, stdout: stdout.isTTY === true, stderr: stderr.isTTY === true },
    requireBroker: flags.requireBroker === true,
    onReady: ({ status, tasks, next }) => {
      if (!output.stderrIsTerminal || output.quiet) return;
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
      output.message(banner(facts, { colors: output.errorColors, width: terminalWidth(stderr), cwd }));
    },
  });
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
