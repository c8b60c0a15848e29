/** What the routes make of the tasks that are there. Only task modules can tell, so a file alone is not held against it. */

import { type Finding, warning } from '../config/findings.ts';
import type { Config } from '../config/schema.ts';
import { didYouMean } from '../lib/suggest.ts';
import type { TaskManifest } from '../task/define.ts';
import { createRouter, queueFor } from '../task/router.ts';

/** Warnings: tasks of which no job can be enqueued, and routes that no job can take. */
export function routeFindings(config: Config, tasks: Iterable<TaskManifest>): readonly Finding[] {
  const manifests = [...tasks];
  return [...unserved(config, manifests), ...unused(config, manifests)];
}

function unserved({ pools, routes }: Config, tasks: readonly TaskManifest[]): Finding[] {
  const served = new Set(Object.values(pools).flatMap(({ queues }) => queues));
  const router = createRouter(routes);
  const lost = new Map<string, string[]>();
  for (const task of tasks) {
    const queue = queueFor(router, task, undefined);
    if (!served.has(queue)) lost.set(queue, [...(lost.get(queue) ?? []), task.name]);
  }
  return [...lost].map(([queue, names]) => {
    const message = `${names.join(', ')}: no pool serves the queue ${JSON.stringify(queue)}: add it to a pool, or a route for the task`;
    return warning(['pools'], message, 'key');
  });
}

function unused({ routes }: Config, tasks: readonly TaskManifest[]): Finding[] {
  const names = tasks.map(({ name }) => name);
  const left = new Set(names);
  return routes.flatMap(({ task }, at) => {
    const matches = createRouter([{ task, queue: '' }]);
    const matched = names.filter((name) => matches(name) !== null);
    const first = matched.filter((name) => left.delete(name));
    if (first.length > 0) return [];
    const message =
      matched.length > 0
        ? 'is never taken: routes before it take all that it matches'
        : `no task matches ${JSON.stringify(task)}${didYouMean(task, names)}`;
    return [warning(['routes', at, 'task'], message)];
  });
}
