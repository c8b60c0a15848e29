import { Argument, type Command } from 'commander';
import type { LoadedConfig } from '../config/load.ts';
import type { PoolConfig } from '../config/schema.ts';
import { workerCount } from '../config/workers.ts';
import { type Candidate, complete, matching, type NameKind } from './complete.ts';
import { SCRIPTS, SHELLS, type Shell } from './completion-scripts.ts';
import { type Bind, type CommandContext, contextOf } from './context.ts';
import { EXIT } from './exit.ts';
import { cleanText } from './table.ts';
import { loadTasks } from './task-modules.ts';

export function addCompletion(program: Command, bind: Bind): void {
  program
    .command('completion')
    .description('a script by which your shell completes names')
    .addArgument(new Argument('<shell>', 'yours').choices(SHELLS))
    .addHelpText(
      'after',
      `
Names of queues, pools, workers and schedules come from the configuration; for
names of tasks the task modules are loaded.

Examples:
  source <(supervisor completion bash)       in ~/.bashrc
  supervisor completion zsh > ~/.zfunc/_supervisor
  supervisor completion fish > ~/.config/fish/completions/supervisor.fish
`,
    )
    .action(bind(printScript));
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .action(bind((context, words: readonly string[]) => printCandidates(context, program, words)));
}

async function printScript({ output }: CommandContext, shell: Shell): Promise<number> {
  await output.data(SCRIPTS[shell]);
  return EXIT.done;
}

/** Never says an error: what cannot be found out is not offered. */
async function printCandidates(
  context: CommandContext,
  program: Command,
  words: readonly string[],
): Promise<number> {
  const { candidates, names, lead } = complete(program, words);
  const named = names === null ? [] : await namesOf(names, words, context).catch(() => []);
  const all: readonly Candidate[] = [
    ...candidates,
    ...matching(
      named.map((text) => ({ text: lead + text, about: '' })),
      words.at(-1) ?? '',
    ),
  ];
  await context.output.data(all.map(({ text, about }) => `${text}\t${cleanText(about)}\n`).join(''));
  return EXIT.done;
}

async function namesOf(kind: NameKind, words: readonly string[], context: CommandContext): Promise<string[]> {
  const file = configIn(words);
  const loaded = await (file === undefined ? context : contextOf({ config: file }, context)).loadConfig();
  return namesIn(loaded, kind, context);
}

/** The last `-c FILE`, `--config FILE` or `--config=FILE`. */
function configIn(words: readonly string[]): string | undefined {
  const at = words.findLastIndex((word) => word === '-c' || /^--config(=|$)/.test(word));
  const word = words[at];
  if (word === undefined) return undefined;
  return word.includes('=') ? word.slice(word.indexOf('=') + 1) : words[at + 1];
}

async function namesIn(loaded: LoadedConfig, kind: NameKind, context: CommandContext): Promise<string[]> {
  const { pools, schedules } = loaded.config;
  if (kind === 'pool') return Object.keys(pools);
  if (kind === 'worker') return Object.entries(pools).flatMap(workerNames);
  if (kind === 'schedule') return Object.keys(schedules);
  if (kind === 'queue') return Object.values(pools).flatMap(({ queues }) => queues);
  return [...(await loadTasks(loaded.modules, context)).keys()];
}

/** A pool stands for all its workers. */
function workerNames([name, pool]: [string, PoolConfig]): string[] {
  const count = pool.kind === 'process' ? workerCount(pool.workers) : 1;
  return [name, ...Array.from({ length: count }, (_, slot) => `${name}/${slot}`)];
}
