/**
 * What a configuration file may say, and every default: there is no other place that knows one. In the file durations,
 * sizes and percentages are texts with a unit; here they become numbers. Keys keep the file's snake_case. Descriptions and
 * examples (`x-examples`: zod drops `examples` from whatever is transformed) are what editors and the reference show.
 */

import * as z from 'zod';
import { DEFAULT_PRIORITY } from '../lib/priority.ts';
import { byteSize, count, duration, name, percentage } from './scalars.ts';

const YEAR_MS = 365 * 86_400_000;

const retryKeys = {
  attempts: count({ min: 1, max: 999 }).describe('Attempts in all, the first included; 1 = never repeat.'),
  backoff: z.enum(['exponential', 'fixed']).describe('How the delay between attempts grows.'),
  initial: duration().describe('Delay after the first failure.'),
  max: duration().describe('The longest delay.'),
  jitter: percentage().describe('Random share of the delay, both ways.'),
};

const retry = z
  .strictObject({
    attempts: retryKeys.attempts.exactOptional(),
    backoff: retryKeys.backoff.exactOptional(),
    initial: retryKeys.initial.exactOptional(),
    max: retryKeys.max.exactOptional(),
    jitter: retryKeys.jitter.exactOptional(),
  })
  .describe('How failed attempts are repeated; what is left out comes from defaults.retry.');

const retryDefaults = z
  .strictObject({
    attempts: retryKeys.attempts.default(3),
    backoff: retryKeys.backoff.default('exponential'),
    initial: retryKeys.initial.prefault('1s'),
    max: retryKeys.max.prefault('5m'),
    jitter: retryKeys.jitter.prefault('20%'),
  })
  .describe('How failed attempts are repeated.');

const timeout = duration().describe('Soft limit of an attempt: its abort signal fires. 0s = no limit.');
const killAfter = duration().describe(
  'Hard limit, so long after the soft one: the attempt is ended by force.',
);
const results = duration({ min: 1_000, max: YEAR_MS }).meta({
  description: 'How long results are kept; left out, only those that the enqueuer asks for.',
  'x-examples': ['10m'],
});

const embeddedBroker = z.strictObject({
  type: z.literal('embedded').describe('A durable store in one file; no server.'),
  path: z
    .string()
    .min(1)
    .default(`\${STATE_DIRECTORY:-../var}/forkloop.db`)
    .meta({ description: 'The store; made if missing.', 'x-examples': ['/var/lib/forkloop/forkloop.db'] }),
});

/**
 * So long before the end of its lease a daemon that could not renew it starts nothing and stops what runs, ms: the time that a
 * call may take, and as much to stop.
 */
export const LEASE_RESERVE_MS = 4_000;

const redisBroker = z
  .strictObject({
    type: z.literal('redis').describe('Redis 7.0 or newer, or Valkey 7.2 or newer.'),
    url: z
      .string()
      .regex(/^rediss?:\/\/./, { error: 'write redis://host:port/db or rediss://host:port/db' })
      .meta({
        description:
          'The server, or any node of a Redis Cluster; rediss:// encrypts. A password is better kept in password_file.',
        'x-examples': ['redis://127.0.0.1:6379/0', `\${REDIS_URL:-redis://127.0.0.1:6379/0}`],
      }),
    password_file: z
      .string()
      .min(1)
      .meta({
        description: 'A file that holds the password and nothing else.',
        'x-examples': ['/run/credentials/redis'],
      })
      .exactOptional(),
    lease: duration({ min: 5_000 })
      .prefault('30s')
      .describe('A daemon that is silent this long loses its jobs.'),
    heartbeat: duration({ min: 100 }).prefault('5s').describe('How often the lease is renewed.'),
    on_lease_lost: z
      .enum(['stop', 'continue'])
      .default('stop')
      .describe('What to do with jobs that are no longer ours.'),
  })
  .refine(({ lease, heartbeat }) => heartbeat <= lease / 4, {
    path: ['heartbeat'],
    error: 'must be at most a quarter of the lease, so that lost renewals can be repeated in time',
  })
  .refine(({ lease, heartbeat }) => heartbeat > lease / 4 || 2 * heartbeat <= lease - LEASE_RESERVE_MS, {
    path: ['heartbeat'],
    error:
      'must fit twice into the lease without its last 4s, in which a daemon that cannot renew gives up its jobs: a lease of 5s takes 500ms',
  });

const MEBIBYTE = 1024 ** 2;

const rss = () => byteSize({ min: 64 * MEBIBYTE, max: MEBIBYTE ** 2 });

const recycle = z
  .strictObject({
    max_jobs: count({ min: 1 })
      .meta({ description: 'After so many jobs.', 'x-examples': [5000] })
      .exactOptional(),
    max_age: duration({ min: 1_000 })
      .meta({ description: 'After so long.', 'x-examples': ['6h'] })
      .exactOptional(),
    max_rss: z
      .strictObject({
        soft: rss()
          .meta({ description: 'Above it: when its job has ended.', 'x-examples': ['512MiB'] })
          .exactOptional(),
        hard: rss()
          .meta({ description: 'Above it: killed at once, which is a crash.', 'x-examples': ['1GiB'] })
          .exactOptional(),
      })
      .refine(({ soft, hard }) => soft === undefined || hard === undefined || soft <= hard, {
        path: ['soft'],
        error: 'must not be above hard',
      })
      .meta({ description: 'Resident memory of a forked worker, looked at every 2 s.' })
      .exactOptional(),
  })
  .meta({ description: 'When a worker is replaced though it works; each limit but hard ± 10 %.' });

const poolKeys = {
  queues: z
    .array(name())
    .min(1)
    .meta({
      description: 'The queues it takes from, in turn. A queue belongs to one pool.',
      'x-examples': [['location']],
    }),
  timeout: timeout.exactOptional(),
  kill_after: killAfter.exactOptional(),
  retry: retry.exactOptional(),
  required: z
    .boolean()
    .default(true)
    .describe('Whether the daemon refuses to start when the pool does not get ready.'),
  ready_timeout: duration({ min: 100 }).prefault('30s').describe('How long a worker may take to get ready.'),
  max_heap: byteSize({ min: 16 * MEBIBYTE, max: MEBIBYTE ** 2 })
    .meta({
      description: 'The largest JavaScript heap of a worker; left out, what Node allows.',
      'x-examples': ['512MiB'],
    })
    .exactOptional(),
  recycle: recycle.exactOptional(),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, { error: 'not a name of an environment variable' }),
      z.string({ error: 'write text, in quotes' }),
    )
    .meta({
      description:
        'Environment of the workers, beside PATH, HOME, LANG, LC_*, TZ, NODE_ENV, TMPDIR and USER.',
      'x-examples': [{ ROUTES_URL: 'https://routes.example' }],
    })
    .exactOptional(),
  restart: z
    .strictObject({
      initial: duration({ min: 1 }).prefault('100ms').describe('Delay before the first restart.'),
      factor: z.number().min(1).max(10).default(2).describe('Growth of the delay from restart to restart.'),
      max: duration({ min: 1 }).prefault('30s').describe('The longest delay.'),
      jitter: percentage().prefault('25%').describe('Random share of the delay, both ways.'),
      stable_after: duration()
        .prefault('10s')
        .describe('Ready this long, or one job completed: the delay starts over.'),
      intensity: count({ min: 1, max: 10_000 })
        .default(5)
        .describe('Early exits in a row, beyond one per worker, that make a crash loop …'),
      period: duration({ min: 1_000 }).prefault('60s').describe('… when they fall in this period.'),
      on_crash_loop: z
        .enum(['probe', 'exit'])
        .default('probe')
        .describe(
          'In a crash loop: one worker every `max` tries whether it lasts, or the daemon ends with exit code 70.',
        ),
    })
    .prefault({})
    .describe('How a worker that ended is started again.'),
};

const processPool = z.strictObject({
  kind: z
    .literal('process')
    .describe('Forked processes, one job at a time in each: for work that burns CPU.'),
  workers: z
    .union([z.literal('auto'), count({ min: 1, max: 1024 })], {
      error: 'write auto or a whole number from 1 to 1024',
    })
    .default('auto')
    .describe('How many processes; auto = cores - 1, at least 1.'),
  stall_timeout: duration({ min: 1_000 })
    .meta({
      description:
        'A worker whose job uses no processor time and does not answer this long is killed; left out, only a warning after 60s.',
      'x-examples': ['10m'],
    })
    .exactOptional(),
  ...poolKeys,
});

const asyncPool = z.strictObject({
  kind: z.literal('async').describe('One event loop with many jobs at once: for work that waits on I/O.'),
  concurrency: count({ min: 1, max: 100_000 }).default(100).describe('The most jobs at once in this daemon.'),
  host: z.enum(['thread', 'process']).default('thread').describe('Where the event loop lives.'),
  block_timeout: duration({ min: 100 })
    .prefault('10s')
    .describe('A loop that answers nothing this long is replaced.'),
  ...poolKeys,
});

const queue = z
  .strictObject({
    priority: count({ max: 9 })
      .exactOptional()
      .describe(`0 (first) to 9; ${DEFAULT_PRIORITY} when nothing is said.`),
    timeout: timeout.exactOptional(),
    kill_after: killAfter.exactOptional(),
    retry: retry.exactOptional(),
    keep: z
      .strictObject({ results: results.exactOptional() })
      .exactOptional()
      .describe('How long what is left of ended jobs is kept.'),
  })
  .describe('How the jobs of one queue are treated; these win over those of its pool.');

const route = z
  .strictObject({
    task: z
      .string()
      .regex(/^[A-Za-z0-9._:*-]{1,100}$/, {
        error: 'write a task name, or a pattern with * as in "location.*"',
      })
      .meta({ description: 'A task name; * stands for any text.', 'x-examples': ['location.*'] }),
    queue: name().meta({
      description: 'The queue of its jobs; a pool serves it.',
      'x-examples': ['location'],
    }),
  })
  .describe('Jobs of tasks that match go to the queue.');

const isJson = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? Object.values(value).every(isJson)
    : typeof value !== 'number' || Number.isFinite(value);

const schedule = z
  .strictObject({
    task: z
      .string()
      .min(1)
      .max(100)
      .meta({ description: 'The task of its jobs.', 'x-examples': ['maintenance.purge'] }),
    queue: name()
      .exactOptional()
      .meta({
        description: 'Instead of the queue that routes or the task give.',
        'x-examples': ['maintenance'],
      }),
    cron: z
      .string()
      .exactOptional()
      .meta({
        description: 'Minute, hour, day, month and weekday on the wall clock of `timezone`.',
        'x-examples': ['30 3 * * *'],
      }),
    timezone: z
      .string()
      .exactOptional()
      .meta({ description: 'Goes with `cron`, and is required there.', 'x-examples': ['Europe/Paris'] }),
    every: duration({ min: 1_000 })
      .exactOptional()
      .meta({
        description: 'Instead of `cron`. Counted from 1970-01-01T00:00:00Z: `1h` is every full hour.',
        'x-examples': ['5m'],
      }),
    jitter: duration({ max: 86_400_000 })
      .prefault('0s')
      .meta({
        description: 'Ticks are fired up to so much later; how much, follows from schedule and tick.',
        'x-examples': ['10s'],
      }),
    overlap: z
      .enum(['skip', 'allow'])
      .default('skip')
      .describe('Whether a tick enqueues a job while that of an earlier one still waits or runs.'),
    missed: z
      .enum(['once', 'skip', 'all'])
      .default('once')
      .describe(
        'What ticks become that passed while none could be fired: one job, none, one each (the last 100).',
      ),
    input: z
      .unknown()
      .refine(isJson, { error: 'JSON has no such number: neither .inf nor .nan can be an input' })
      .default(null)
      .meta({ description: 'The input of its jobs, any JSON.', 'x-examples': [{ full: false }] }),
  })
  .describe('A job that is enqueued again and again; each tick is fired once, however many daemons run.');

const defaults = z.strictObject({
  timeout: timeout.prefault('60s'),
  kill_after: killAfter.prefault('5s'),
  retry: retryDefaults.prefault({}),
  max_payload: byteSize({ min: 1024, max: 64 * 1024 ** 2 })
    .prefault('1MiB')
    .describe('The largest input, as JSON.'),
  max_result: byteSize({ min: 1024, max: 64 * 1024 ** 2 })
    .prefault('1MiB')
    .describe('The largest result, as JSON.'),
  keep: z
    .strictObject({
      dead: count().default(10_000).describe('The most dead jobs a queue keeps.'),
      dead_for: duration({ min: 1_000, max: 10 * YEAR_MS })
        .prefault('14d')
        .describe('How long it keeps them.'),
      results: results.exactOptional(),
    })
    .prefault({})
    .describe('How much of ended jobs is kept, for each queue.'),
});

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
      description: 'Task modules: paths or globs (* ** ?), relative to this file.',
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
