import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { type CommandContext, isOn, usageError } from './context.ts';
import { EXIT } from './exit.ts';

export interface BulkFlags {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  /** `--no-input` is false. */
  readonly input?: boolean;
}

/** As a shell tells of a program that Ctrl-C has ended. */
const INTERRUPTED = 130;

/** The variables are read by `confirm`: the parser takes any value of one for a yes, `0` too. */
export function addBulkOptions(command: Command): Command {
  return command
    .option('--dry-run', 'only tell what it would do')
    .addOption(new Option('-y, --yes', 'do not ask (env: FORKLOOP_YES)'))
    .addOption(new Option('--no-input', 'never ask: fail without --yes (env: FORKLOOP_NO_INPUT)'));
}

/**
 * Whether it is meant, `what` as in `delete 12 jobs`: said by `--yes`, else asked on a terminal. Null when it is; else the
 * exit code of the command, which has nothing more to say.
 * @throws ForkloopError ERR_USAGE where nobody can be asked.
 */
export async function confirm(
  context: CommandContext,
  what: string,
  flags: BulkFlags,
): Promise<number | null> {
  const { stdin, stderr, env, output } = context;
  if (flags.yes ?? isOn(env['FORKLOOP_YES'])) return null;
  const mayAsk = flags.input !== false && !isOn(env['FORKLOOP_NO_INPUT']);
  if (!mayAsk || stdin.isTTY !== true || !output.stderrIsTerminal)
    throw usageError(`this would ${what}: --yes says that it is meant, --dry-run only tells`);
  const { key, text } = await answerTo(`${what}? [y/N] `, context);
  if (key === 'enter' && /^y(es)?$/i.test(text.trim())) return null;
  if (key !== 'enter') stderr.write('\n');
  output.message('nothing was done');
  return key === 'ctrl-c' ? INTERRUPTED : EXIT.failed;
}

interface Answer {
  /** `ctrl-d`: the input ended. */
  readonly key: 'enter' | 'ctrl-c' | 'ctrl-d';
  readonly text: string;
}

function answerTo(question: string, { stdin, stderr }: CommandContext): Promise<Answer> {
  const asked = createInterface({ input: stdin, output: stderr });
  return new Promise<Answer>((resolve) => {
    asked.once('SIGINT', () => resolve({ key: 'ctrl-c', text: '' }));
    asked.once('close', () => resolve({ key: 'ctrl-d', text: '' }));
    // It is rejected, or not, when the input ends; `close` tells that.
    asked.question(question).then(
      (text) => resolve({ key: 'enter', text }),
      () => {},
    );
  }).finally(() => asked.close());
}
