import { type Command, Option } from 'commander';
import { callDaemon } from '../control/client.ts';
import { PURGE_LIMIT, type QueuePurgeReport } from '../control/messages/queues.ts';
import { addBulkOptions, type BulkFlags, confirm } from './confirm.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext, usageError } from './context.ts';
import { EXIT } from './exit.ts';
import { formatCount } from './status-view.ts';
import { cleanText } from './table.ts';

type State = QueuePurgeReport['state'];

const STATES = ['ready', 'delayed', 'dead'] satisfies State[];

export function addQueuePurge(queue: Command, bind: Bind): void {
  const command = queue
    .command('purge')
    .description('remove all its jobs of one state')
    .argument('<queue>', 'its name')
    .addOption(new Option('--state <state>', 'those that are').choices(STATES));
  addBulkOptions(command)
    .addHelpText(
      'after',
      `
As many as there are when it begins; what is enqueued meanwhile may stay.
Running jobs are never removed. Prints how many were.

Examples:
  supervisor queue purge eta --state dead --dry-run
  supervisor queue purge eta --state dead --yes
`,
    )
    .action(bind(purge));
}

interface PurgeFlags extends BulkFlags {
  readonly state?: State;
}

async function purge(context: CommandContext, name: string, flags: PurgeFlags): Promise<number> {
  const { output, clock, timeoutMs } = context;
  const { state } = flags;
  if (state === undefined) throw usageError(`--state says which of its jobs: ${STATES.join(', ')}`);
  const socket = await context.controlSocket();
  const options = { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock };
  const { [state]: stored } = await callDaemon(socket, 'queue', { name }, options);
  const what = `remove ${formatCount(stored)} ${state} job${stored === 1 ? '' : 's'} of the queue ${cleanText(name)}`;
  const dryRun = flags.dryRun === true;
  const refusal = dryRun || stored === 0 ? null : await confirm(context, what, flags);
  if (refusal !== null) return refusal;
  let removed = 0;
  let more = stored > 0;
  while (!dryRun && more && removed < stored) {
    const limit = Math.min(PURGE_LIMIT, stored - removed);
    const reply = await callDaemon(socket, 'queue_purge', { name, state, limit }, options);
    removed += reply.removed;
    more = reply.more;
  }
  const report: QueuePurgeReport = { schema: 'forkloop.queue-purge/1', name, state, removed, more };
  await output.report(report, () =>
    dryRun ? `would ${what}` : `removed ${formatCount(removed)} ${state} job${removed === 1 ? '' : 's'}`,
  );
  return EXIT.done;
}
