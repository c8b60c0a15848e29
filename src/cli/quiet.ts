import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { EXIT } from './exit.ts';

export function addQuiet(program: Command, bind: Bind): void {
  program
    .command('quiet')
    .description('claim no more jobs; those that run go on')
    .option('--off', 'claim jobs again')
    .addHelpText(
      'after',
      `
What is enqueued meanwhile waits, or runs in other daemons. A restart of the
daemon ends it, too. Prints how many jobs still run. SIGTSTP and SIGCONT mean
the same.

Examples:
  supervisor quiet
  supervisor status              busy falls to 0
  supervisor quiet --off
`,
    )
    .action(bind(quiet));
}

async function quiet(context: CommandContext, flags: { off?: boolean }): Promise<number> {
  const { output, clock, timeoutMs } = context;
  const socket = await context.controlSocket();
  const timeout = { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock };
  const report = await callDaemon(socket, 'quiet', { off: flags.off === true }, timeout);
  await output.report(report, () =>
    report.state === 'quiet'
      ? `quiet: nothing is claimed; jobs that run: ${report.running}`
      : 'jobs are claimed again',
  );
  return EXIT.done;
}
