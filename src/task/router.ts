/** A rule of the configuration: jobs of tasks that match go to the queue. `*` stands for any characters. */
export interface Route {
  readonly task: string;
  readonly queue: string;
}

/** The queue that the first matching route names for a task, or null. */
export type Router = (task: string) => string | null;

export const DEFAULT_QUEUE = 'default';

/** First match wins. Compiles the patterns once; a task's route is looked up once. */
export function createRouter(routes: readonly Route[]): Router {
  const rules = routes.map(({ task, queue }) => ({ matches: patternOf(task), queue }));
  const known = new Map<string, string | null>();
  return (task) => {
    const found = known.get(task);
    if (found !== undefined) return found;
    const queue = rules.find((rule) => rule.matches.test(task))?.queue ?? null;
    if (known.size < 10_000) known.set(task, queue);
    return queue;
  };
}

/**
 * Where a job goes: the call's own wish, then the routes, then the task's default, then the queue `default`.
 */
export function queueFor(
  router: Router,
  task: { readonly name: string; readonly queue?: string | undefined },
  wish: string | undefined,
): string {
  return wish ?? router(task.name) ?? task.queue ?? DEFAULT_QUEUE;
}

function patternOf(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
