import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import type { StatusReport } from '../control/messages/daemon.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext } from './context.ts';
import { EXIT } from './exit.ts';
import { statusView } from './status-view.ts';

export function addStatus(program: Command, bind: Bind): void {
  program
    .command('status')
    .description('what the daemon, its pools and its queues do')
    .option('-w, --watch', 'again every second, until Ctrl-C')
    .addHelpText(
      'after',
      `
Prints who the daemon is, then a table each of pools, workers and queues. It
never waits for the broker: the numbers of the queues are the last known.

Examples:
  supervisor status
  supervisor status -w
  supervisor status -o json | jq '.queues[] | select(.dead > 0)'
`,
    )
    .action(bind(status));
}

const WATCH_EVERY_MS = 1_000;
const CLEAR = '\x1b[H\x1b[2J';

async function status(context: CommandContext, flags: { watch?: boolean }): Promise<number> {
  const socket = await context.controlSocket();
  await show(await ask(context, socket), context);
  while (flags.watch === true) {
    await context.clock.sleep(WATCH_EVERY_MS);
    const report = await ask(context, socket);
    if (context.output.stdoutIsTerminal && isForPeople(context)) await context.output.data(CLEAR);
    await show(report, context);
  }
  return EXIT.done;
}

const ask = ({ clock, timeoutMs }: CommandContext, socket: string): Promise<StatusReport> =>
  callDaemon(socket, 'status', {}, { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock });

const isForPeople = ({ output }: CommandContext): boolean =>
  output.format === 'table' || output.format === 'wide';

function show(report: StatusReport, { output, cwd }: CommandContext): Promise<void> {
  const { colors, width, format } = output;
  return output.report(report, () => statusView(report, { colors, width, cwd, wide: format === 'wide' }));
}
