/** Where jobs are stored. */

import * as z from 'zod';
import { duration } from '../scalars.ts';

export const embeddedBroker = z.strictObject({
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

export const redisBroker = z
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
