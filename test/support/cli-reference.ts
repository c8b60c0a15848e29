/** The reference of the command line (docs/cli.md), made of the help that the program itself prints. */

import type { Command } from 'commander';
import { loadCommands } from '../../src/cli/commands.ts';
import { createProgram } from '../../src/cli/main.ts';
import { runMain } from './run-main.ts';

const groups = await loadCommands();

/** Every command that help shows, from the root ('') on, as in `job list`. */
export function commandPaths(): string[] {
  const visit = (command: Command, path: string): string[] => [
    path,
    ...command
      .createHelp()
      .visibleCommands(command)
      .filter((inner) => inner.name() !== 'help')
      .flatMap((inner) => visit(inner, `${path} ${inner.name()}`.trim())),
  ];
  return visit(program(), '');
}

/** What help shows of a command: the names of its own commands and options, and of the options that all take. */
export function namesOf(path: string): { commands: string[]; options: string[] } {
  const root = program();
  const words = path.split(' ').filter((word) => word !== '');
  const command = words.reduce<Command>(
    (at, word) => at.commands.find((inner) => inner.name() === word) as Command,
    root,
  );
  const help = command.createHelp();
  const options = [...help.visibleOptions(command), ...(command === root ? [] : help.visibleOptions(root))];
  return {
    commands: help
      .visibleCommands(command)
      .map((inner) => inner.name())
      .filter((name) => name !== 'help'),
    options: [...new Set(options.flatMap(({ long }) => (long === undefined || long === null ? [] : [long])))],
  };
}

function program(): Command {
  const stream = { write: () => true };
  return createProgram(() => async () => {}, { stdout: stream, stderr: stream, version: '' }, groups);
}

export async function cliReference(): Promise<string> {
  const sections = await Promise.all(
    commandPaths().map(async (path) => {
      const { stdout } = await runMain(`${path} --help`);
      return `## ${`supervisor ${path}`.trim()}\n\n\`\`\`text\n${stdout.trimEnd()}\n\`\`\`\n`;
    }),
  );
  return [
    '# Command line reference\n',
    'Made of the program by `npm run generate`: do not edit it. `supervisor` stands for `bin/supervisor`, or for `npx supervisor`',
    'where the package is installed.\n',
    ...sections,
  ].join('\n');
}
