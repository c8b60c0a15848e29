import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import type { StatusReport } from '../control/messages/daemon.ts';
import { ForkloopError } from '../lib/errors.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { startDetached } from './detach.ts';
import { stopDaemon, stoppedText } from './stop.ts';

export function addRestart(program: Command, bind: Bind): void {
  program
    .command('restart')
    .description('stop a daemon that was started detached, and start it again')
    .option('--now', 'cut running jobs short; they run again after the start')
    .addHelpText(
      'after',
      `
The configuration is checked first: a file with mistakes leaves the daemon as it
is. It is started with the options it had, and with the environment of this
command. A daemon that a service manager or a terminal owns is not restarted:
that would take it away from its owner. Most changes need only "reload".

Examples:
  supervisor restart
  supervisor restart --now
`,
    )
    .action(bind(restart));
}

async function restart(context: CommandContext, flags: { now?: boolean }): Promise<number> {
  const { output, clock, env } = context;
  const socket = await context.controlSocket();
  const status = await callDaemon(socket, 'status', {}, { timeoutMs: CALL_TIMEOUT_MS, clock });
  const { launch, log, config } = status;
  if (launch?.by !== 'detach' || log.file === null) throw refusal(status);
  const { loadConfig } = await import('../config/load.ts');
  const { report } = loadConfig({ path: config.path, env });
  if (report !== '') output.errorText(report);
  const stopped = await stopDaemon(context, socket, flags.now === true);
  if (typeof stopped === 'number') return stopped;
  output.message(stoppedText(stopped));
  return startDetached(context, { words: launch.words, cwd: launch.cwd, logFile: log.file });
}

/** Whoever started it would start a second one, or wait for one that is not his. */
function refusal({ launch, pid }: StatusReport): ForkloopError {
  const ways: Readonly<Record<StatusReport['launch']['by'], string>> = {
    systemd: 'runs under systemd: "systemctl restart forkloop", or the name that its unit has, restarts it',
    terminal: 'runs in a terminal: press Ctrl-C there, and start it again',
    other: 'was started by another program: let that restart it, or use "stop" and start it again',
    detach: 'has no log file',
  };
  return new ForkloopError('ERR_RESTART_REFUSED', `the daemon (pid ${pid}) ${ways[launch?.by ?? 'other']}`);
}
