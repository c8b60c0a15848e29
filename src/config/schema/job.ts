/** How jobs are treated: what pools, queues and `defaults` may say of them. */

import * as z from 'zod';
import { DEFAULT_PRIORITY } from '../../lib/priority.ts';
import { byteSize, count, duration, name, percentage } from '../scalars.ts';

const YEAR_MS = 365 * 86_400_000;

const retryKeys = {
  attempts: count({ min: 1, max: 999 }).describe(
    'Attempts in all, the first included; 1 = a failure is not repeated. Crashes are counted apart, three at most.',
  ),
  backoff: z.enum(['exponential', 'fixed']).describe('How the delay between attempts grows.'),
  initial: duration().describe('Delay after the first failure.'),
  max: duration().describe('The longest delay.'),
  jitter: percentage().describe('Random share of the delay, both ways.'),
};

export const retry = z
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

export const timeout = duration().describe(
  'Soft limit of an attempt: its abort signal fires. 0s = no limit.',
);
export const killAfter = duration().describe(
  'Hard limit, so long after the soft one: the attempt is ended by force.',
);
const results = duration({ min: 1_000, max: YEAR_MS }).meta({
  description: 'How long results are kept; left out, only those that the enqueuer asks for.',
  'x-examples': ['10m'],
});

export const queue = z
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

export const route = z
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

export const defaults = z.strictObject({
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
