/** The task modules in the process of a command: only where a task itself is asked for. */

import type { LoadedConfig } from '../config/load.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Task } from '../task/define.ts';
import type { Surroundings } from './context.ts';

/** @throws ForkloopError ERR_TASK_UNKNOWN, ERR_TASK_MODULE */
export async function findTask({ modules }: LoadedConfig, name: string, streams: Streams): Promise<Task> {
  const tasks = await loadTasks(modules, streams);
  const task = tasks.get(name);
  if (task !== undefined) return task;
  const { didYouMean } = await import('../lib/suggest.ts');
  const names = [...tasks.keys()].sort((one, other) => one.localeCompare(other));
  const hint = didYouMean(name, names) || `; there are: ${names.join(', ')}`;
  throw new ForkloopError('ERR_TASK_UNKNOWN', `no task is named ${JSON.stringify(name)}${hint}`);
}

export type Streams = Pick<Surroundings, 'stdout' | 'stderr'>;

/** @throws ForkloopError ERR_TASK_MODULE */
export async function loadTasks(
  modules: readonly string[],
  streams: Streams,
): Promise<ReadonlyMap<string, Task>> {
  const { loadTasks: load } = await import('../task/module-loader.ts');
  return withoutStdout(streams, () => load(modules));
}

/** What modules print while `work` loads them goes to stderr: stdout is for our data alone. */
export async function withoutStdout<T>({ stdout, stderr }: Streams, work: () => Promise<T>): Promise<T> {
  const write = stdout.write;
  stdout.write = stderr.write.bind(stderr) as typeof write;
  try {
    return await work();
  } finally {
    stdout.write = write;
  }
}
