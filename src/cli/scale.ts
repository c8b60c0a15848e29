import type { Command } from 'commander';
import { callDaemon } from '../control/client.ts';
import { type Bind, CALL_TIMEOUT_MS, type CommandContext, usageError } from './context.ts';
import { EXIT } from './exit.ts';
import { cleanText } from './table.ts';

export function addScale(program: Command, bind: Bind): void {
  program
    .command('scale')
    .description('give a process pool another number of workers')
    .argument('<pool=workers>', 'as in cpu=4')
    .addHelpText(
      'after',
      `
Prints the numbers of workers, now and before. New ones start at once. Of too
many those that run nothing leave first, the others when their job has ended. It
holds until the daemon ends or a reload applies a changed file: then the file's
number holds again. The signals TTIN and TTOU add and take one worker where
there is one process pool.

Examples:
  supervisor scale cpu=4
  supervisor scale cpu=1 -o json
`,
    )
    .action(bind(scale));
}

async function scale(context: CommandContext, text: string): Promise<number> {
  const [, pool, workers] = /^(.+)=(\d{1,9})$/.exec(text) ?? [];
  if (pool === undefined) {
    throw usageError(`${JSON.stringify(text)} is no pool and number of workers: write it as in cpu=4`);
  }
  const { clock, output, timeoutMs } = context;
  const socket = await context.controlSocket();
  const report = await callDaemon(
    socket,
    'scale',
    { pool, workers: Number(workers) },
    { timeoutMs: timeoutMs ?? CALL_TIMEOUT_MS, clock },
  );
  await output.report(
    report,
    () =>
      `pool ${cleanText(report.pool)}: ${report.workers} worker${report.workers === 1 ? '' : 's'} (before: ${report.before})`,
  );
  return EXIT.done;
}
