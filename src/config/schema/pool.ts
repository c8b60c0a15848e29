/** What runs jobs. */

import * as z from 'zod';
import { byteSize, count, duration, name, percentage } from '../scalars.ts';
import { killAfter, retry, timeout } from './job.ts';

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

export const processPool = z.strictObject({
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

export const asyncPool = z.strictObject({
  kind: z.literal('async').describe('One event loop with many jobs at once: for work that waits on I/O.'),
  concurrency: count({ min: 1, max: 100_000 }).default(100).describe('The most jobs at once in this daemon.'),
  host: z.enum(['thread', 'process']).default('thread').describe('Where the event loop lives.'),
  block_timeout: duration({ min: 100 })
    .prefault('10s')
    .describe('A loop that answers nothing this long is replaced.'),
  ...poolKeys,
});
