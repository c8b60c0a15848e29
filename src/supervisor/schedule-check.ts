/**
 * Whether schedules ask for what is there: their tasks, their queues, and inputs that the tasks' schemas take. Only task
 * modules can tell, so the answer comes from a worker, or from a command that has loaded them itself.
 */

import type { Environment } from '../config/environment.ts';
import { error, type Finding } from '../config/findings.ts';
import { type Config, ConfigError, type LoadedConfig } from '../config/load.ts';
import { placedError } from '../config/placed-error.ts';
import { didYouMean } from '../lib/suggest.ts';
import type { Rehearsal } from '../pool/open.ts';
import type { TaskManifest } from '../task/define.ts';
import type { TaskInput } from '../task/input-check.ts';
import { createRouter, queueFor } from '../task/router.ts';
import type { LoadedAgain } from './config-loader.ts';

export type Tasks = ReadonlyMap<string, TaskManifest>;

/** What the modules say against inputs, one answer for each; null: nothing. */
export type CheckInputs = (inputs: readonly TaskInput[]) => Promise<readonly (string | null)[]>;

/** Of the schedules whose task or queue is not there. */
export function scheduleFindings(config: Config, tasks: Tasks): readonly Finding[] {
  const queues = Object.values(config.pools).flatMap((pool) => pool.queues);
  const router = createRouter(config.routes);
  return Object.entries(config.schedules).flatMap(([name, { task, queue: own }]) => {
    const manifest = tasks.get(task);
    if (manifest === undefined) {
      const message = `no task is named "${task}"${didYouMean(task, tasks.keys())}`;
      return [error(['schedules', name, 'task'], message)];
    }
    const queue = queueFor(router, manifest, own);
    if (queues.includes(queue)) return [];
    const message = `no pool serves the queue "${queue}" of ${task}; there are ${queues.join(', ')}`;
    return [error(['schedules', name], message, 'key')];
  });
}

/** Of the schedules whose input their task refuses. */
export async function inputFindings(
  config: Config,
  tasks: Tasks,
  check: CheckInputs,
): Promise<readonly Finding[]> {
  const checked = Object.entries(config.schedules).filter(([, { task }]) => tasks.get(task)?.validated);
  if (checked.length === 0) return [];
  const inputs = checked.map(([, { task, input }]) => ({ task, input: JSON.stringify(input) }));
  const problems = await check(inputs);
  return checked.flatMap(([name, { task, input }], at) => {
    const problem = problems[at] ?? null;
    if (problem === null) return [];
    const path = ['schedules', name];
    return input === null
      ? [error(path, `gives no input, and ${task} wants one: ${problem}`, 'key')]
      : [error([...path, 'input'], `${task} refuses the input: ${problem}`)];
  });
}

/** @throws ConfigError with everything that is wrong, at its place in the file. */
export async function checkSchedules(
  { path, config }: Pick<LoadedConfig, 'path' | 'config'>,
  tasks: Tasks,
  check: CheckInputs,
  env: Environment,
): Promise<void> {
  const findings = [...scheduleFindings(config, tasks), ...(await inputFindings(config, tasks, check))];
  if (findings.length > 0) throw placedError(path, env, findings);
}

/**
 * A file read anew, whose schedules are held against the modules as they are on disk now: a schedule may come with its task.
 * One that asks for what is not there is refused like any other that is wrong.
 */
export async function schedulesChecked(
  again: LoadedAgain,
  rehearse: (loaded: LoadedConfig, inputs: readonly TaskInput[]) => Promise<Rehearsal>,
  env: Environment,
): Promise<LoadedAgain> {
  if (again.type === 'invalid') return again;
  const { loaded } = again;
  const schedules = Object.values(loaded.config.schedules);
  if (schedules.length === 0) return again;
  const inputs = schedules.map(({ task, input }) => ({ task, input: JSON.stringify(input) }));
  const rehearsal = await rehearse(loaded, inputs);
  if (rehearsal.type === 'failed')
    return { type: 'invalid', report: `${loaded.path}: error: tasks: ${rehearsal.reason}` };
  const tasks = new Map(rehearsal.tasks.map((manifest) => [manifest.name, manifest]));
  const answers = new Map(
    inputs.map(({ task, input }, at) => [`${task} ${input}`, rehearsal.refused[at] ?? null]),
  );
  try {
    const check: CheckInputs = async (asked) =>
      asked.map(({ task, input }) => answers.get(`${task} ${input}`) ?? null);
    await checkSchedules(loaded, tasks, check, env);
    return again;
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return { type: 'invalid', report: thrown.report };
  }
}
