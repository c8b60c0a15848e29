/**
 * What a configuration file may say, and every default: no place but this file and `schema/` knows one. In the file durations,
 * sizes and percentages are texts with a unit; here they become numbers. Keys keep the file's snake_case. Descriptions and
 * examples (`x-examples`: zod drops `examples` from whatever is transformed) are what editors and the reference show.
 */

import * as z from 'zod';
import { duration, name } from './scalars.ts';
import { embeddedBroker, redisBroker } from './schema/broker.ts';
import { defaults, queue, route } from './schema/job.ts';
import { asyncPool, processPool } from './schema/pool.ts';
import { schedule } from './schema/schedule.ts';

export const configSchema = z.strictObject({
  version: z.literal(1).describe('Version of this file format.'),
  name: z
    .string()
    .min(1)
    .max(64)
    .default('forkloop')
    .meta({
      description: 'Shown as process title, in the banner and in logs.',
      'x-examples': ['eta-service'],
    }),
  namespace: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, { error: 'a namespace is letters, digits and _ . - (at most 64)' })
    .default('forkloop')
    .meta({
      description: 'Separates applications on one broker; daemons that share it share the work.',
      'x-examples': ['eta'],
    }),
  tasks: z
    .array(z.string().min(1))
    .min(1)
    .meta({
      description:
        'Task modules: paths or globs (* ** ?), relative to this file. Each defines a task, or its name begins with `_`.',
      'x-examples': [['../dist/tasks/*.js']],
    }),
  broker: z
    .discriminatedUnion('type', [embeddedBroker, redisBroker])
    .prefault({ type: 'embedded' })
    .describe('Where jobs are stored.'),
  defaults: defaults
    .prefault({})
    .describe('What holds for a job where its enqueuer, task, queue and pool say nothing.'),
  pools: z
    .record(name(), z.discriminatedUnion('kind', [processPool, asyncPool]))
    .refine((pools) => Object.keys(pools).length > 0, { error: 'at least one pool is needed' })
    .meta({
      description: 'What runs the jobs, by name.',
      minProperties: 1,
      'x-examples': [{ io: { kind: 'async', concurrency: 200, queues: ['eta'] } }],
    }),
  queues: z
    .record(name(), queue)
    .default({})
    .meta({
      description: 'Settings of single queues, by name. Optional: a queue exists because a pool names it.',
      'x-examples': [{ eta: { priority: 3, keep: { results: '10m' } } }],
    }),
  routes: z
    .array(route)
    .default([])
    .meta({
      description: 'Which queue the jobs of a task go to; the first match wins.',
      'x-examples': [[{ task: 'location.*', queue: 'location' }]],
    }),
  schedules: z
    .record(name(), schedule)
    .default({})
    .meta({
      description: 'Jobs that are enqueued periodically, by name.',
      'x-examples': [{ purge: { task: 'maintenance.purge', every: '5m' } }],
    }),
  shutdown: z
    .strictObject({
      drain_timeout: duration().prefault('60s').describe('How long running jobs may take to end on a stop.'),
      cold_grace: duration()
        .prefault('5s')
        .describe('Then their signal aborts; after this they are ended by force.'),
    })
    .prefault({})
    .describe('How the daemon ends.'),
  control: z
    .strictObject({
      directory: z
        .string()
        .min(1)
        .default(`\${RUNTIME_DIRECTORY:-../var}`)
        .meta({ description: 'Holds the sockets and the lock.', 'x-examples': ['/run/forkloop'] }),
    })
    .prefault({})
    .describe('How other processes reach the daemon.'),
  log: z
    .strictObject({
      level: z
        .enum(['debug', 'info', 'warn', 'error'])
        .default('info')
        .describe('The least important records that are written.'),
      format: z
        .enum(['auto', 'json', 'text'])
        .default('auto')
        .describe('auto = text on a terminal, else json.'),
      file: z
        .string()
        .min(1)
        .exactOptional()
        .meta({
          description: 'Instead of stderr. Its folder must be there; SIGUSR1 opens it anew.',
          'x-examples': ['/var/log/forkloop/forkloop.log', `\${LOGS_DIRECTORY:-../var}/forkloop.log`],
        }),
    })
    .prefault({})
    .describe('What the daemon tells about its work.'),
});

/**
 * A checked configuration with every default in it. Durations are milliseconds, sizes bytes, percentages shares between
 * 0 and 1; so `shutdown.drain_timeout` is a number of milliseconds. From `loadConfig` all paths are absolute.
 */
export type Config = z.output<typeof configSchema>;
export type PoolConfig = Config['pools'][string];
export type ProcessPoolConfig = Extract<PoolConfig, { kind: 'process' }>;
export type AsyncPoolConfig = Extract<PoolConfig, { kind: 'async' }>;
export type QueueConfig = Config['queues'][string];
export type BrokerConfig = Config['broker'];
export type EmbeddedBrokerConfig = Extract<BrokerConfig, { type: 'embedded' }>;
export type RedisBrokerConfig = Extract<BrokerConfig, { type: 'redis' }>;
export type ScheduleConfig = Config['schedules'][string];
export type RouteConfig = Config['routes'][number];
