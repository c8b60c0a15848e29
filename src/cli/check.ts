import type { Command } from 'commander';
import type { ConfigError, LoadedConfig, Problem } from '../config/load.ts';
import type { Task } from '../task/define.ts';
import { inputProblems } from '../task/input-check.ts';
import type { Bind, CommandContext } from './context.ts';
import { codeOf, EXIT } from './exit.ts';
import { checkModules } from './module-check.ts';
import { shortPath } from './status-view.ts';

export function addCheck(program: Command, bind: Bind): void {
  program
    .command('check')
    .description('whether the configuration is good; tells all faults')
    .addHelpText(
      'after',
      `
Prints a line when it is good; else each mistake with file, line, column and
what to write instead. The task modules are loaded to see that they can be, and
that the schedules name tasks of theirs and inputs that these take.

Exit codes: 0 the daemon can run with it (there may be warnings), 78 it cannot.

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
    const loaded = await context.loadConfig();
    const { path, config, modules } = loaded;
    const { tasks, faults } = await checkModules(loaded, context);
    if (isForPeople(context) && loaded.report !== '') output.errorText(loaded.report);
    if (faults.length > 0) return await reportFaults(context, path, faults);
    await checkSchedulesOf(context, loaded, tasks);
    const routes = await routeWarnings(context, loaded, tasks);
    if (isForPeople(context) && routes.report !== '') output.errorText(routes.report);
    const warnings = [...loaded.warnings, ...routes.problems];
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

/** Of tasks that no pool serves, and routes that nothing takes. */
async function routeWarnings(
  { env }: CommandContext,
  { path, config }: LoadedConfig,
  tasks: ReadonlyMap<string, Task>,
): Promise<ConfigError> {
  const [{ placedError }, { routeFindings }] = await Promise.all([
    import('../config/placed-error.ts'),
    import('../supervisor/route-findings.ts'),
  ]);
  return placedError(
    path,
    env,
    routeFindings(
      config,
      [...tasks.values()].map(({ manifest }) => manifest),
    ),
  );
}

/** @throws ConfigError */
async function checkSchedulesOf(
  { env }: CommandContext,
  loaded: LoadedConfig,
  tasks: ReadonlyMap<string, Task>,
): Promise<void> {
  const { checkSchedules } = await import('../supervisor/schedule-check.ts');
  const manifests = new Map([...tasks].map(([name, { manifest }]) => [name, manifest]));
  await checkSchedules(loaded, manifests, (inputs) => inputProblems(tasks, inputs), env);
}

/** What the file names cannot be used: no line of the file is wrong. */
async function reportFaults(
  context: CommandContext,
  path: string,
  faults: readonly string[],
): Promise<number> {
  const { output, cwd } = context;
  if (isForPeople(context)) {
    for (const fault of faults) output.errorText(`${shortPath(path, cwd)}: error: tasks: ${fault}`);
  } else {
    const problems = faults.map((fault) => problemOf(path, fault));
    const data: CheckReport = { schema: 'forkloop.check/1', ok: false, path, problems };
    await output.report(data, () => '', problems);
  }
  return EXIT.configInvalid;
}

const problemOf = (file: string, message: string): Problem => ({
  file,
  line: null,
  column: null,
  width: 0,
  path: 'tasks',
  severity: 'error',
  message,
});

const isForPeople = ({ output }: CommandContext): boolean =>
  output.format === 'table' || output.format === 'wide';

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`;
