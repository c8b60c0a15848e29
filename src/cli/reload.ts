import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import type { ReloadReport } from '../control/messages/daemon.ts';
import type { Bind, CommandContext } from './context.ts';
import { EXIT } from './exit.ts';
import { reloadView } from './reload-view.ts';

export function addReload(program: Command, bind: Bind): void {
  program
    .command('reload')
    .description('apply the edited configuration and new code, and wait')
    .option('--dry-run', 'only tell what would change')
    .option('--wait', 'until the outcome is known, as it does anyway')
    .option('--all', 'replace the workers of every pool, whatever has changed')
    .addHelpText(
      'after',
      `
The whole file is applied or, when it is invalid or needs a restart, nothing.
Pools whose workers must be replaced get a new one first; an old one leaves when
its job has ended. New code that does not start leaves the old workers in place.
Prints a line for each change: what it was, what it is, what it needs.
SIGHUP does the same without an answer, SIGUSR2 the same as --all.

Exit codes: 0 applied, 1 refused (the reason is told), 2 needs a restart.

Examples:
  supervisor reload --dry-run
  supervisor reload
  supervisor reload --all        the code that the tasks import has changed
`,
    )
    .action(bind(reload));
}

/** A roll waits for running jobs, pool by pool. */
const PATIENCE_MS = 3_600_000;

const EXIT_CODES: Readonly<Record<ReloadReport['outcome'], number>> = {
  applied: EXIT.done,
  unchanged: EXIT.done,
  planned: EXIT.done,
  invalid: EXIT.failed,
  failed: EXIT.failed,
  restart_needed: EXIT.restartNeeded,
};

async function reload(context: CommandContext, flags: { dryRun?: boolean; all?: boolean }): Promise<number> {
  const { output, clock, timeoutMs } = context;
  const socket = await context.controlSocket();
  const report = await callDaemon(
    socket,
    'reload',
    { dry_run: flags.dryRun === true, all: flags.all === true },
    { timeoutMs: timeoutMs ?? PATIENCE_MS, clock },
  );
  await output.report(report, () => reloadView(report, output.width));
  return EXIT_CODES[report.outcome];
}
