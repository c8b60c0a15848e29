import type { AnyTask } from './define.ts';

/** An input that is to be checked before there is a job of it. */
export interface TaskInput {
  readonly task: string;
  /** JSON. */
  readonly input: string;
}

const MOST_ISSUES = 10;

/** What the task's schema says against an input; null: nothing. */
export async function inputProblem({ schema }: AnyTask, input: unknown): Promise<string | null> {
  if (schema === undefined) return null;
  const checked = await schema['~standard'].validate(input);
  if (checked.issues === undefined) return null;
  const issues = checked.issues.slice(0, MOST_ISSUES);
  return issues.map(({ path, message }) => `${pathText(path)}${message}`).join('; ');
}

/** One answer for each input, as `inputProblem`; a task that is not there has nothing to say. */
export function inputProblems(
  tasks: ReadonlyMap<string, AnyTask>,
  inputs: readonly TaskInput[],
): Promise<(string | null)[]> {
  return Promise.all(
    inputs.map(async ({ task: name, input }) => {
      const task = tasks.get(name);
      try {
        return task === undefined ? null : await inputProblem(task, JSON.parse(input));
      } catch (error) {
        return `its schema throws: ${error instanceof Error ? error.message : String(error)}`;
      }
    }),
  );
}

type IssuePath = readonly (PropertyKey | { readonly key: PropertyKey })[];

function pathText(path: IssuePath | undefined): string {
  const keys = (path ?? []).map((part) => String(typeof part === 'object' ? part.key : part));
  return keys.length === 0 ? '' : `${keys.join('.')}: `;
}
