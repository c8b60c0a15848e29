/** How help looks: in at most 80 columns, choices in short, options that all commands take at its end. */

import type { Argument, Command, Option } from 'commander';
import { plainParseError } from './parse-error.ts';
import { wrapText } from './table.ts';

const WIDEST = 80;

/** What help is printed to. */
export interface HelpStream {
  readonly columns?: number;
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export function formatHelp(program: Command, stdout: HelpStream, stderr: HelpStream): void {
  const width = ({ columns = WIDEST }: HelpStream) => Math.min(columns, WIDEST);
  program
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
      outputError: (text, write) => {
        const message = `error: ${plainParseError(text)}`;
        write(`${stderr.isTTY === true ? wrapText(message, width(stderr)).join('\n') : message}\n`);
      },
      getOutHelpWidth: () => width(stdout),
      getErrHelpWidth: () => width(stderr),
    });
}

/** Once all commands are there: a mistake names the help of the command that it was made in. */
export function pointToHelp(command: Command): void {
  command.showHelpAfterError(helpHint(command));
  // Of groups only: where a word can be an argument, `help` would be one.
  if (isGroup(command) && command.parent !== null)
    command.helpCommand('help [command]', 'how a command is used');
  for (const inner of command.commands) pointToHelp(inner);
}

export const helpHint = (command: Command): string => `${pathOf(command)} --help shows how it is used`;

/** Those of the program that mean something to every command. */
function ownGlobalOptions(command: Command): Option[] {
  const found: Option[] = [];
  for (let at = command.parent; at !== null; at = at.parent)
    found.push(...at.options.filter((option) => !option.hidden && option.long !== '--version'));
  return found;
}

/** A command that has others and no options of its own does nothing by itself. */
const isGroup = (command: Command): boolean => command.commands.length > 0 && command.options.length === 0;

const usageOf = (command: Command): string =>
  `${pathOf(command)} ${isGroup(command) ? '[options] <command>' : command.usage()}`;

function pathOf(command: Command): string {
  const words: string[] = [];
  for (let at: Command | null = command; at !== null; at = at.parent) words.unshift(at.name());
  return words.join(' ');
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
