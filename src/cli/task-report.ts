/** What holds for the jobs of a task, and which level of the configuration says so: pure. */

import type { Config } from '../config/load.ts';
import { DEFAULT_PRIORITY } from '../lib/priority.ts';
import type { TaskManifest } from '../task/define.ts';
import type { AttemptSettings } from '../task/limits.ts';
import { createRouter, DEFAULT_QUEUE } from '../task/router.ts';

export interface TaskReport {
  readonly name: string;
  readonly queue: string;
  /** As in `routes[2]`, `task`, `default`. */
  readonly queue_from: string;
  /** Null: no pool of this configuration serves the queue, so nothing can be enqueued. */
  readonly pool: string | null;
  /** Whether inputs are checked against a schema. */
  readonly validated: boolean;
  readonly options: TaskOptionsReport;
}

/** The value in force where the enqueuing call says nothing, and the level that wins: `task`, `queues.x`, `pools.x`, `defaults`. */
export interface EffectiveOption<Value> {
  readonly value: Value;
  readonly from: string;
}

export interface TaskOptionsReport {
  readonly timeout_ms: EffectiveOption<number>;
  readonly kill_after_ms: EffectiveOption<number>;
  readonly priority: EffectiveOption<number>;
  readonly 'retry.attempts': EffectiveOption<number>;
  readonly 'retry.backoff': EffectiveOption<string>;
  readonly 'retry.initial_ms': EffectiveOption<number>;
  readonly 'retry.max_ms': EffectiveOption<number>;
  readonly 'retry.jitter': EffectiveOption<number>;
}

interface Level {
  readonly from: string;
  readonly settings: AttemptSettings;
}

export function taskReport(manifest: TaskManifest, config: Config): TaskReport {
  const { name } = manifest;
  const [queue, queue_from] = routeOf(manifest, config);
  const pool = Object.entries(config.pools).find(([, { queues }]) => queues.includes(queue))?.[0] ?? null;
  return {
    name,
    queue,
    queue_from,
    pool,
    validated: manifest.validated,
    options: optionsOf(manifest, config, queue, pool),
  };
}

function routeOf({ name, queue }: TaskManifest, { routes }: Config): [string, string] {
  const at = routes.findIndex((route) => createRouter([route])(name) !== null);
  const route = routes[at];
  if (route !== undefined) return [route.queue, `routes[${at}]`];
  return queue === undefined ? [DEFAULT_QUEUE, 'default'] : [queue, 'task'];
}

function optionsOf(
  manifest: TaskManifest,
  config: Config,
  queue: string,
  pool: string | null,
): TaskOptionsReport {
  const ofQueue = config.queues[queue];
  const levels: Level[] = [
    { from: 'task', settings: manifest },
    { from: `queues.${queue}`, settings: settingsOf(ofQueue) },
    { from: `pools.${pool}`, settings: settingsOf(pool === null ? undefined : config.pools[pool]) },
  ];
  const { timeout, kill_after, retry } = config.defaults;
  const nearest = <Value>(pick: (settings: AttemptSettings) => Value | undefined, last: Value) => {
    for (const { from, settings } of levels) {
      const value = pick(settings);
      if (value !== undefined) return { value, from };
    }
    return { value: last, from: 'defaults' };
  };
  return {
    timeout_ms: nearest(({ timeoutMs }) => timeoutMs, timeout),
    kill_after_ms: nearest(({ killAfterMs }) => killAfterMs, kill_after),
    priority:
      ofQueue?.priority === undefined
        ? { value: DEFAULT_PRIORITY, from: 'defaults' }
        : { value: ofQueue.priority, from: `queues.${queue}` },
    'retry.attempts': nearest((settings) => settings.retry?.attempts, retry.attempts),
    'retry.backoff': nearest((settings) => settings.retry?.backoff, retry.backoff),
    'retry.initial_ms': nearest((settings) => settings.retry?.initial, retry.initial),
    'retry.max_ms': nearest((settings) => settings.retry?.max, retry.max),
    'retry.jitter': nearest((settings) => settings.retry?.jitter, retry.jitter),
  };
}

type Said = Config['queues'][string] | Config['pools'][string] | undefined;

const settingsOf = (said: Said): AttemptSettings => ({
  timeoutMs: said?.timeout,
  killAfterMs: said?.kill_after,
  retry: said?.retry,
});
