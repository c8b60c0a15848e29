import type { Command } from 'commander';
import type { Problem } from '../config/load.ts';
import type { Bind, CommandContext } from './context.ts';
import { codeOf, EXIT } from './exit.ts';
import { shortPath } from './status-view.ts';

export function addCheck(program: Command, bind: Bind): void {
  program
    .command('check')
    .description('whether the configuration is good; tells all its faults at once')
    .addHelpText(
      'after',
      `
Exit 0 when the daemon can run with it, 78 when not. Warnings are told, too.

Examples:
  supervisor check
  supervisor check -c /etc/forkloop/supervisor.yaml
  supervisor check -o json | jq '.problems[].message'
`,
    )
    .action(bind(check));
}

interface CheckReport {
  readonly schema: 'forkloop.check/1';
  readonly ok: boolean;
  readonly path: string | null;
  readonly problems: readonly Problem[];
}

async function check(context: CommandContext): Promise<number> {
  const { output, cwd } = context;
  try {
    const { path, config, modules, warnings, report } = await context.loadConfig();
    if (report !== '' && isForPeople(context)) output.errorText(report);
    const pools = Object.values(config.pools);
    const queues = pools.reduce((count, pool) => count + pool.queues.length, 0);
    const counts = [
      count(pools.length, 'pool'),
      count(queues, 'queue'),
      count(modules.length, 'task module'),
    ];
    const summary = `${shortPath(path, cwd)}: good: ${counts.join(', ')}, ${config.broker.type} broker`;
    const data: CheckReport = { schema: 'forkloop.check/1', ok: true, path, problems: warnings };
    await output.report(data, () => summary, warnings);
    return EXIT.done;
  } catch (error) {
    if (codeOf(error) !== 'ERR_CONFIG_INVALID') throw error;
    if (isForPeople(context)) throw error;
    const problems = (error as { problems?: readonly Problem[] }).problems ?? [];
    const data: CheckReport = {
      schema: 'forkloop.check/1',
      ok: false,
      path: problems[0]?.file ?? null,
      problems,
    };
    await output.report(data, () => '', problems);
    if (problems.length === 0) output.errorText((error as Error).message);
    return EXIT.configInvalid;
  }
}

const isForPeople = ({ output }: CommandContext): boolean =>
  output.format === 'table' || output.format === 'wide';

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
