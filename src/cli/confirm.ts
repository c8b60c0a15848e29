import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { type CommandContext, usageError } from './context.ts';

export interface BulkFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  /** `--no-input` is false. */
  readonly input?: boolean;
}

export function addBulkOptions(command: Command): Command {
  return command
    .option('--dry-run', 'only tell what it would do')
    .addOption(new Option('-y, --yes', 'do not ask').env('FORKLOOP_YES'))
    .addOption(new Option('--no-input', 'never ask: fail without --yes').env('FORKLOOP_NO_INPUT'));
}

/**
 * Whether it is meant, `what` as in `delete 12 jobs`: said by `--yes`, else asked on a terminal.
 * @throws ForkloopError ERR_USAGE where nobody can be asked.
 */
export async function confirm(context: CommandContext, what: string, flags: BulkFlags): Promise<boolean> {
  if (flags.yes === true) return true;
  const { stdin, stderr, output } = context;
  if (flags.input === false || stdin.isTTY !== true || !output.stderrIsTerminal)
    throw usageError(`this would ${what}: --yes says that it is meant, --dry-run only tells`);
  const asked = createInterface({ input: stdin, output: stderr });
  const answer = await asked.question(`${what}? [y/N] `);
  asked.close();
  const isMeant = /^y(es)?$/i.test(answer.trim());
  if (!isMeant) output.message('nothing was done');
  return isMeant;
}
