/** Jobs that are enqueued periodically. */

import * as z from 'zod';
import { duration, name } from '../scalars.ts';

const isJson = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? Object.values(value).every(isJson)
    : typeof value !== 'number' || Number.isFinite(value);

export const schedule = z
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
        description:
          'Ticks are fired up to so much later; how much, follows from schedule and tick. Shorter than the time between two ticks.',
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
