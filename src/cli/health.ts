import { Argument, type Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import type { HealthReport } from '../control/messages/daemon.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { codeOf, EXIT } from './exit.ts';
import { renderTable } from './table.ts';

export function addHealth(program: Command, bind: Bind): void {
  program
    .command('health')
    .description('whether the daemon is alive, or ready: for probes')
    .addArgument(new Argument('<probe>', 'what to ask').choices(['live', 'ready']))
    .addHelpText(
      'after',
      `
live   the daemon's own loop goes round. It asks no broker and no worker: who
       restarts by it never restarts a daemon that only waits for its broker.
ready  it has started and does not stop, the broker has confirmed its leases,
       and each required pool has a worker that is ready.

Prints what was looked at, a line each.
Exit codes: 0 yes; 1 no, or no daemon runs or answers.
With --socket it reads no configuration: a mistake there is not the daemon's.

Examples:
  supervisor health live --socket /run/forkloop/control.sock
  supervisor health ready -o json
`,
    )
    .action(bind(health));
}

async function health(context: CommandContext, probe: HealthReport['probe']): Promise<number> {
  const { output, clock, timeoutMs } = context;
  const socket = await context.controlSocket();
  const timeout = { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock };
  try {
    const report = await callDaemon(socket, 'health', { probe }, timeout);
    await output.report(report, () => healthView(report, context), report.checks);
    return report.ok ? EXIT.done : EXIT.failed;
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ERR_NOT_RUNNING' && code !== 'ERR_NO_ANSWER') throw error;
    output.error((error as Error).message);
    return EXIT.failed;
  }
}

function healthView({ checks }: HealthReport, { output: { colors, width } }: CommandContext): string {
  return renderTable(
    [
      { header: 'CHECK', value: ({ name }) => name },
      {
        header: 'OK',
        value: ({ ok }) => (ok ? 'yes' : 'no'),
        paint: (text, { ok }) => (ok ? colors.green(text) : colors.red(text)),
      },
      { header: 'DETAIL', value: ({ detail }) => detail, shrink: true },
    ],
    checks,
    { width, paintHeader: colors.dim },
  );
}
