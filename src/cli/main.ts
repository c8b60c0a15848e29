import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { type CommandGroup, loadCommands } from './commands.ts';
import { type Action, addGlobalOptions, type Bind, contextOf, type Surroundings } from './context.ts';
import { EXIT, exit } from './exit.ts';
import { formatHelp, type HelpStream, helpHint, pointToHelp } from './help.ts';
import { printError } from './print-error.ts';
import { cleanText } from './table.ts';

/** Runs the command line of this process to its end. */
export async function runMain(): Promise<void> {
  const { stdin, stdout, stderr, env } = process;
  const streams = [stdout, stderr];
  stdout.on('error', (error: NodeJS.ErrnoException) => void exitUnwritable(error));
  // A daemon outlives the terminal or pipe that its messages went to.
  stderr.on('error', () => {});
  const surroundings = {
    stdin,
    stdout,
    stderr,
    env,
    cwd: process.cwd(),
    clock: systemClock,
    version: packageVersion(),
  };
  await exit(await main(process.argv.slice(2), surroundings), streams);
}

/** Data that cannot be written must not look like success. */
async function exitUnwritable(error: NodeJS.ErrnoException): Promise<void> {
  if (error.code === 'EPIPE') await exit(EXIT.brokenPipe, []);
  process.stderr.write(`error: the output cannot be written: ${error.message}\n`);
  await exit(EXIT.failed, [process.stderr]);
}

/** Runs one command line; answers its exit code, never rejects. */
export async function main(words: readonly string[], surroundings: Surroundings): Promise<number> {
  let code: number = EXIT.done;
  const bind: Bind =
    (action) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      await refuseStrayWord(command);
      const context = contextOf(command.optsWithGlobals(), surroundings);
      try {
        code = await (action as Action<unknown[]>)(context, ...given.slice(0, -1));
      } catch (error) {
        code = printError(error, context.output, helpHint(command));
      }
    };
  try {
    const program = createProgram(bind, surroundings, await loadCommands(words[0]));
    await explainNamed(program, words);
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return printError(error, contextOf({}, surroundings).output);
  }
}

/** A command that does something by itself and has others too: commander would only say "too many arguments". */
async function refuseStrayWord(command: Command): Promise<void> {
  const [word] = command.args;
  if (command.commands.length === 0 || word === undefined) return;
  await refuseUnknown(command, word);
}

/** `help queue pause`: the parser's own help command takes one word, and takes a wrong one for none. */
async function explainNamed(program: Command, [first, ...names]: readonly string[]): Promise<void> {
  if (first !== 'help' || names.length === 0) return;
  let command = program;
  for (const name of names) {
    if (name.startsWith('-')) break;
    const inner = command.commands.find((each) => each.name() === name);
    if (inner !== undefined) command = inner;
    else if (command.commands.length > 0 && name !== 'help') await refuseUnknown(command, name);
  }
  command.help();
}

async function refuseUnknown(command: Command, word: string): Promise<never> {
  const { suggest } = await import('../lib/suggest.ts');
  const near = suggest(
    word,
    command.commands.map((inner) => inner.name()),
  );
  const hint = near === null ? '' : `\n(Did you mean ${near}?)`;
  return command.error(`error: unknown command '${cleanText(word)}'${hint}`, {
    code: 'commander.unknownCommand',
  });
}

/** What help goes to and tells of the process. */
type HelpSurroundings = Pick<Surroundings, 'version'> & Readonly<Record<'stdout' | 'stderr', HelpStream>>;

/** The commands of `groups`; nothing runs yet. */
export function createProgram(
  bind: Bind,
  { stdout, stderr, version }: HelpSurroundings,
  groups: readonly CommandGroup[],
): Command {
  const program = new Command('supervisor')
    .description('Background jobs: one daemon with a process pool and an async pool.')
    .usage('[options] <command>')
    .exitOverride()
    .helpOption('-h, --help', 'how it is used')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', EXAMPLES);
  formatHelp(program, stdout, stderr);
  addGlobalOptions(program);
  for (const { heading, adders } of groups) {
    program.commandsGroup(heading);
    for (const add of adders) add(program, bind);
  }
  for (const command of program.commands) if (command.commands.length > 0) command.allowExcessArguments();
  program.helpCommand('help [command...]', 'how a command is used');
  pointToHelp(program);
  return program;
}

const EXAMPLES = `
Examples:
  supervisor check                                is the configuration good?
  supervisor start                                run in the foreground
  supervisor status -o json                       what it does, for programs
  supervisor enqueue location.filter @trip.json --wait

Options stand before or after the command. A command finds its daemon by the
configuration: --config, FORKLOOP_CONFIG, ./config/supervisor.yaml or
/etc/forkloop/supervisor.yaml.

Exit codes: 0 done, 1 failed or refused, 3 daemon not running, 4 no answer,
5 awaited job dead, cancelled or expired, 6 not ended in --timeout, 64 usage,
69 broker away, 70 pools not ready, 75 already running, 78 configuration.
`;

/** Of the package that this file belongs to; the same from `src` and from `dist`. */
function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
