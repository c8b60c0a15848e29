/** The reference of the command line (docs/cli.md), made of the help that the program itself prints. */

import type { Command } from 'commander';
import { createProgram } from '../../src/cli/main.ts';
import { runMain } from './run-main.ts';

/** Every command that help shows, from the root ('') on, as in `job list`. */
export function commandPaths(): string[] {
  const stream = { write: () => true };
  const visit = (command: Command, path: string): string[] => [
    path,
    ...command
      .createHelp()
      .visibleCommands(command)
      .filter((inner) => inner.name() !== 'help')
      .flatMap((inner) => visit(inner, `${path} ${inner.name()}`.trim())),
  ];
  return visit(
    createProgram(() => async () => {}, { stdout: stream, stderr: stream, version: '' }),
    '',
  );
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
    'Made of the program by `npm run generate`: do not edit it. `supervisor` stands for `bin/supervisor`, or for `forkloop`',
    'where the package is installed.\n',
    ...sections,
  ].join('\n');
}
