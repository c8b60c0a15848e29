/** How help looks: in at most 80 columns, choices in short, options that all commands take at its end. */

import type { Argument, Command, Option } from 'commander';

const WIDEST = 80;

/** What help is printed to. */
export interface HelpStream {
  readonly columns?: number;
  write(text: string): unknown;
}

export function formatHelp(program: Command, stdout: HelpStream, stderr: HelpStream): void {
  const width = ({ columns = WIDEST }: HelpStream) => Math.min(columns, WIDEST);
  program
    .showHelpAfterError('--help shows how it is used')
    .configureHelp({
      showGlobalOptions: true,
      subcommandTerm: (command) => command.name(),
      optionDescription,
      visibleGlobalOptions: ownGlobalOptions,
      argumentDescription: (argument) => described(argument.description, factsOf(argument)),
      commandUsage: (command) => usageOf(command),
    })
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHelpWidth: () => width(stdout),
      getErrHelpWidth: () => width(stderr),
    });
}

/** Those of the program that mean something to every command. */
function ownGlobalOptions(command: Command): Option[] {
  const found: Option[] = [];
  for (let at = command.parent; at !== null; at = at.parent)
    found.push(...at.options.filter((option) => !option.hidden && option.long !== '--version'));
  return found;
}

/** A command that has others and no options of its own does nothing by itself. */
function usageOf(command: Command): string {
  const words: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) words.unshift(at.name());
  const isGroup = command.commands.length > 0 && command.options.length === 0;
  return `${words.join(' ')} ${isGroup ? '[options] <command>' : command.usage()}`;
}

function optionDescription(option: Option): string {
  const isBoolean = !option.required && !option.optional;
  return described(option.description, {
    ...factsOf(option),
    ...(isBoolean ? { standard: undefined } : {}),
    variable: option.envVar,
  });
}

interface Facts {
  readonly choices?: readonly string[] | undefined;
  readonly standard?: unknown;
  readonly variable?: string | undefined;
}

const factsOf = ({ argChoices, defaultValue }: Option | Argument): Facts => ({
  choices: argChoices,
  standard: defaultValue,
});

/** As in `form of the data: table, json (default: table, env: FORKLOOP_OUTPUT)`. */
function described(description: string, { choices, standard, variable }: Facts): string {
  const facts = [
    ...(standard === undefined ? [] : [`default: ${String(standard)}`]),
    ...(variable === undefined ? [] : [`env: ${variable}`]),
  ];
  const what = choices === undefined ? description : `${description}: ${choices.join(', ')}`;
  return facts.length === 0 ? what : `${what} (${facts.join(', ')})`;
}
