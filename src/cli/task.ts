import type { Command } from 'commander';
import { formatDuration } from '../lib/units.ts';
import type { Task } from '../task/define.ts';
import type { Bind, CommandContext } from './context.ts';
import { EXIT } from './exit.ts';
import { safeJson } from './output.ts';
import { type Column, cleanText, renderTable } from './table.ts';
import { findTask, loadTasks } from './task-modules.ts';
import { type EffectiveOption, type TaskReport, taskReport } from './task-report.ts';

export function addTask(program: Command, bind: Bind): void {
  const task = program
    .command('task')
    .description('the tasks of the configuration')
    .addHelpText(
      'after',
      `
Examples:
  supervisor task list
  supervisor task show eta.predict
`,
    );
  task
    .command('list')
    .description('every task: its queue, its pool, its limits')
    .addHelpText(
      'after',
      `
Loads the task modules, as enqueue does. Prints a line for each task; -o wide
tells all its options.

Examples:
  supervisor task list
  supervisor task list -o ndjson | jq -r 'select(.pool == null).name'
`,
    )
    .action(bind(list));
  task
    .command('show')
    .description('one task: its options, who says so, the form of its input')
    .argument('<task>', 'its name')
    .addHelpText(
      'after',
      `
The nearest level wins: the enqueuing call (not shown here), the task, its
queue, its pool, defaults. The input is told as JSON Schema where the schema
library of the task can do that (zod 4.2 or newer, for one).

Examples:
  supervisor task show eta.predict
  supervisor task show eta.predict -o json | jq .input_schema
`,
    )
    .action(bind(show));
}

interface TaskShowReport extends TaskReport {
  readonly schema: 'forkloop.task/1';
  /** Null where the task has none, or its library cannot tell it. */
  readonly input_schema: unknown;
}

async function list(context: CommandContext): Promise<number> {
  const { output } = context;
  const { config, modules } = await context.loadConfig();
  const tasks = [...(await loadTasks(modules, context)).values()]
    .map(({ manifest }) => taskReport(manifest, config))
    .sort((one, other) => one.name.localeCompare(other.name));
  for (const { name, queue, pool } of tasks) if (pool === null) output.warning(unserved(name, queue));
  const report = { schema: 'forkloop.tasks/1', tasks };
  await output.report(report, () => taskTable(tasks, output), tasks);
  return EXIT.done;
}

async function show(context: CommandContext, name: string): Promise<number> {
  const { output } = context;
  const loaded = await context.loadConfig();
  const task = await findTask(loaded, name, context);
  const found = taskReport(task.manifest, loaded.config);
  if (found.pool === null) output.warning(unserved(found.name, found.queue));
  const report: TaskShowReport = { schema: 'forkloop.task/1', ...found, input_schema: inputSchemaOf(task) };
  await output.report(report, () => taskView(report, output));
  return EXIT.done;
}

const unserved = (name: string, queue: string): string =>
  `${name} goes to the queue ${JSON.stringify(queue)}, which no pool serves: add it to a pool, or a route for the task`;

function taskTable(
  tasks: readonly TaskReport[],
  { width, colors, format }: CommandContext['output'],
): string {
  const columns: Column<TaskReport>[] = [
    { header: 'TASK', value: ({ name }) => name, shrink: true },
    { header: 'QUEUE', value: ({ queue }) => queue, shrink: true },
    { header: 'POOL', value: ({ pool }) => pool ?? '-', shrink: true },
    { header: 'TIMEOUT', value: ({ options }) => limitText(options.timeout_ms.value), align: 'right' },
    { header: 'ATTEMPTS', value: ({ options }) => String(options['retry.attempts'].value), align: 'right' },
    { header: 'INPUT', value: ({ validated }) => (validated ? 'checked' : 'any') },
  ];
  const wide: Column<TaskReport>[] = [
    { header: 'PRIORITY', value: ({ options }) => String(options.priority.value), align: 'right' },
    {
      header: 'KILL AFTER',
      value: ({ options }) => formatDuration(options.kill_after_ms.value),
      align: 'right',
    },
    { header: 'BACKOFF', value: ({ options }) => options['retry.backoff'].value },
    { header: 'ROUTED BY', value: ({ queue_from }) => queue_from },
  ];
  return renderTable(format === 'wide' ? [...columns, ...wide] : columns, tasks, {
    width,
    paintHeader: colors.dim,
  });
}

function taskView(report: TaskShowReport, { width, colors }: CommandContext['output']): string {
  const { name, queue, queue_from, pool, options, validated, input_schema } = report;
  const facts: (readonly [string, string, string])[] = [
    ['task', name, ''],
    ['queue', queue, queue_from],
    ['pool', pool ?? 'none', ''],
    ...Object.entries(options).map(
      ([key, { value, from }]: [string, EffectiveOption<string | number>]) =>
        [key.replace(/_ms$/, ''), valueText(key, value), from] as const,
    ),
    ['input', inputText(validated, input_schema), ''],
  ];
  const table = renderTable<readonly [string, string, string]>(
    [
      { header: 'OPTION', value: ([key]) => key },
      { header: 'VALUE', value: ([, value]) => cleanText(value), shrink: true },
      { header: 'FROM', value: ([, , from]) => from, paint: colors.dim },
    ],
    facts,
    { width, paintHeader: colors.dim },
  );
  return input_schema === null ? table : `${table}\n${safeJson(input_schema, 2)}`;
}

function inputText(validated: boolean, schema: unknown): string {
  if (!validated) return 'any JSON';
  return schema === null ? 'checked, by a library that tells no JSON Schema' : 'checked; its JSON Schema:';
}

function valueText(key: string, value: string | number): string {
  if (key === 'timeout_ms') return limitText(Number(value));
  if (key.endsWith('_ms')) return formatDuration(Number(value));
  return key === 'retry.jitter' ? `${Math.round(Number(value) * 100)}%` : String(value);
}

const limitText = (ms: number): string => (ms === 0 ? 'none' : formatDuration(ms));

/** Of a library that follows Standard JSON Schema; it may refuse what JSON Schema has no words for. */
function inputSchemaOf({ schema }: Task): unknown {
  const standard = schema?.['~standard'] as
    | { readonly jsonSchema?: { readonly input?: (options: { target: string }) => unknown } }
    | undefined;
  try {
    return standard?.jsonSchema?.input?.({ target: 'draft-07' }) ?? null;
  } catch {
    return null;
  }
}
