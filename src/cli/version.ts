import type { Command } from 'commander';
import type { Bind, CommandContext } from './context.ts';
import { EXIT } from './exit.ts';

export function addVersion(program: Command, bind: Bind): void {
  program.command('version').description('print the version').action(bind(version));
}

async function version({ output, version }: CommandContext): Promise<number> {
  const report = { schema: 'forkloop.version/1', version, node: process.version };
  await output.report(report, () => `forkloop ${version}  node ${process.version}`);
  return EXIT.done;
}
