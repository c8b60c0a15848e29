/** The table of commands that a control server answers: each checks its arguments before the supervisor sees them. */

import * as z from 'zod';
import { ForkloopError } from '../lib/errors.ts';
import { JOBS_LIMIT, WHERE_LIMIT } from './messages/jobs.ts';
import { PURGE_LIMIT } from './messages/queues.ts';
import { TICKS_LIMIT } from './messages/schedules.ts';
import type { ArgumentsOf, CommandName, ControlHandlers } from './protocol.ts';

export type CommandTable = ReadonlyMap<string, (given: unknown) => Promise<unknown>>;

const ticks = z.int().min(0).max(TICKS_LIMIT);
const queueName = z.string().max(200);
const workers = z.array(z.string().max(200)).max(1_000);
const scheduleName = z.string().max(200);

const jobOperation = z.strictObject({
  id: z.uuid(),
  queue: queueName.optional(),
  claims: z.int().min(0).optional(),
});

const schemas: { readonly [Name in CommandName]: z.ZodType<ArgumentsOf<Name>> } = {
  status: z.strictObject({}),
  stop: z.strictObject({ now: z.boolean() }),
  reload: z.strictObject({ dry_run: z.boolean(), all: z.boolean() }),
  scale: z.strictObject({ pool: z.string().max(200), workers: z.int() }),
  quiet: z.strictObject({ off: z.boolean() }),
  health: z.strictObject({ probe: z.enum(['live', 'ready']) }),
  dump: z.strictObject({}),
  logs_reopen: z.strictObject({}),
  workers: z.strictObject({ workers }),
  worker_stacks: z.strictObject({ workers }),
  worker_restart: z.strictObject({ workers, all: z.boolean() }),
  jobs: z.strictObject({
    state: z.enum(['ready', 'delayed', 'in_flight', 'dead']).optional(),
    queue: queueName.optional(),
    where: z.string().max(WHERE_LIMIT).optional(),
    limit: z.int().min(1).max(JOBS_LIMIT),
  }),
  job: z.strictObject({ id: z.uuid(), input: z.boolean() }),
  job_retry: jobOperation,
  job_delete: jobOperation,
  queues: z.strictObject({}),
  queue: z.strictObject({ name: queueName }),
  queue_pause: z.strictObject({ name: queueName }),
  queue_resume: z.strictObject({ name: queueName }),
  queue_purge: z.strictObject({
    name: queueName,
    state: z.enum(['ready', 'delayed', 'dead']),
    limit: z.int().min(1).max(PURGE_LIMIT),
  }),
  schedules: z.strictObject({ next: ticks }),
  schedule: z.strictObject({ name: scheduleName, next: ticks }),
  schedule_run: z.strictObject({ name: scheduleName }),
};

export function commandTable(handlers: ControlHandlers): CommandTable {
  const entry = <Name extends CommandName>(name: Name): [string, (given: unknown) => Promise<unknown>] => [
    name,
    async (given) => handlers[name](checked(name, schemas[name], given)),
  ];
  return new Map([
    entry('status'),
    entry('stop'),
    entry('reload'),
    entry('quiet'),
    entry('health'),
    entry('dump'),
    entry('logs_reopen'),
    entry('workers'),
    entry('worker_stacks'),
    entry('worker_restart'),
    entry('jobs'),
    entry('job'),
    entry('job_retry'),
    entry('job_delete'),
    entry('queues'),
    entry('queue'),
    entry('queue_pause'),
    entry('queue_resume'),
    entry('queue_purge'),
    entry('schedules'),
    entry('schedule'),
    entry('schedule_run'),
    entry('scale'),
  ]);
}

function checked<Arguments>(command: string, schema: z.ZodType<Arguments>, given: unknown): Arguments {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) => `${['arguments', ...issue.path].join('.')}: ${issue.message}`,
  );
  throw new ForkloopError('ERR_COMMAND_INVALID', `${command}: ${problems.join('; ')}`);
}
