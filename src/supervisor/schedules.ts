import type { Config, ScheduleConfig } from '../config/schema.ts';
import { didYouMean } from '../config/suggest.ts';
import { ForkloopError } from '../lib/errors.ts';
import { DEFAULT_PRIORITY } from '../lib/priority.ts';
import type { Pool } from '../pool/pool.ts';
import { parseCron, type TickSource } from '../scheduler/cron.ts';
import type { Schedule } from '../scheduler/schedule.ts';
import { everyTicks } from '../scheduler/ticks.ts';
import { createRouter, queueFor } from '../task/router.ts';
import type { LoadedAgain } from './config-loader.ts';

/**
 * The schedules of a configuration, once the pools' workers have told their tasks. Tasks are not looked at while no pool
 * has told any.
 * @throws ForkloopError ERR_CONFIG_INVALID with every schedule whose task or queue is not there.
 */
export function schedulesOf(config: Config, pools: readonly Pool[]): readonly Schedule[] {
  const tasks = new Map(pools.flatMap((pool) => [...pool.tasks]));
  const queues = new Set(pools.flatMap((pool) => pool.queues));
  const router = createRouter(config.routes);
  const problems: string[] = [];
  const schedules = Object.entries(config.schedules).map(([name, schedule]) => {
    const { task } = schedule;
    const queue = queueFor(router, tasks.get(task) ?? { name: task }, schedule.queue);
    if (tasks.size > 0 && !tasks.has(task)) {
      problems.push(`schedules.${name}.task: no task is named "${task}"${didYouMean(task, tasks.keys())}`);
    } else if (!queues.has(queue)) {
      const there = [...queues].join(', ');
      problems.push(`schedules.${name}: no pool serves the queue "${queue}" of ${task}; there are ${there}`);
    }
    return scheduleOf(name, schedule, queue, config);
  });
  if (problems.length > 0) throw new ForkloopError('ERR_CONFIG_INVALID', problems.join('\n'));
  return schedules;
}

/** A file read anew whose schedules ask for what the workers do not have is refused like any other that is wrong. */
export function schedulesChecked(again: LoadedAgain, pools: readonly Pool[]): LoadedAgain {
  if (again.type === 'invalid') return again;
  try {
    schedulesOf(again.loaded.config, pools);
    return again;
  } catch (error) {
    return { type: 'invalid', report: `${again.loaded.path}: ${(error as Error).message}` };
  }
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
