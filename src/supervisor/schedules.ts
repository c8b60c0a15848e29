import { formatPath } from '../config/problem.ts';
import type { Config, ScheduleConfig } from '../config/schema.ts';
import { ForkloopError } from '../lib/errors.ts';
import { DEFAULT_PRIORITY } from '../lib/priority.ts';
import type { Pool } from '../pool/pool.ts';
import { parseCron, type TickSource } from '../scheduler/cron.ts';
import type { Schedule } from '../scheduler/schedule.ts';
import { everyTicks } from '../scheduler/ticks.ts';
import { createRouter, queueFor } from '../task/router.ts';
import { scheduleFindings, type Tasks } from './schedule-check.ts';

/** What the workers of the pools have told so far. */
export const tasksOf = (pools: readonly Pool[]): Tasks => new Map(pools.flatMap((pool) => [...pool.tasks]));

/**
 * The schedules of a configuration, once the pools' workers have told their tasks. Tasks are not looked at while no pool
 * has told any.
 * @throws ForkloopError ERR_CONFIG_INVALID with every schedule whose task or queue is not there.
 */
export function schedulesOf(config: Config, pools: readonly Pool[]): readonly Schedule[] {
  const tasks = tasksOf(pools);
  const problems = tasks.size === 0 ? [] : scheduleFindings(config, tasks);
  if (problems.length > 0) {
    const texts = problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
    throw new ForkloopError('ERR_CONFIG_INVALID', texts.join('\n'));
  }
  const router = createRouter(config.routes);
  return Object.entries(config.schedules).map(([name, schedule]) => {
    const { task } = schedule;
    return scheduleOf(
      name,
      schedule,
      queueFor(router, tasks.get(task) ?? { name: task }, schedule.queue),
      config,
    );
  });
}

function scheduleOf(name: string, schedule: ScheduleConfig, queue: string, config: Config): Schedule {
  const { task, cron, timezone = '', every, jitter, overlap, missed, input } = schedule;
  return {
    ...{ name, task, queue, overlap, missed, jitterMs: jitter },
    ticks: cron === undefined ? everyTicks(every ?? 0) : cronTicks(cron, timezone),
    cron: cron === undefined ? null : { expression: cron, timezone },
    everyMs: every ?? null,
    priority: config.queues[queue]?.priority ?? DEFAULT_PRIORITY,
    resultTtlMs: config.queues[queue]?.keep?.results ?? config.defaults.keep.results,
    input: JSON.stringify(input),
  };
}

/** The configuration has been checked. */
function cronTicks(expression: string, timezone: string): TickSource {
  const parsed = parseCron(expression, timezone);
  if ('ticks' in parsed) return parsed.ticks;
  throw new ForkloopError('ERR_CONFIG_INVALID', `cron ${JSON.stringify(expression)}: ${parsed.problem}`);
}
