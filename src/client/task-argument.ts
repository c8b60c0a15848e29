import { ForkloopError } from '../lib/errors.ts';
import { type AnyTask, isTask, TASK_NAME } from '../task/define.ts';

/**
 * The name of what is enqueued.
 * @throws ForkloopError ERR_OPTION_INVALID: it is neither a task nor a text; ERR_TASK_INVALID: the text can be no name
 */
export function taskNameOf(task: AnyTask | string): string {
  if (typeof task !== 'string' && !isTask(task)) {
    throw new ForkloopError(
      'ERR_OPTION_INVALID',
      'the first argument is no task: pass what defineTask returned, or its name (a string)',
    );
  }
  const name = typeof task === 'string' ? task : task.name;
  if (TASK_NAME.test(name)) return name;
  throw new ForkloopError(
    'ERR_TASK_INVALID',
    `${JSON.stringify(name)} is no task name: write letters, digits and . _ - :`,
  );
}
