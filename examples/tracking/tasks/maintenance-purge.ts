import { defineTask } from 'forkloop';
import { z } from 'zod';
import { cachePath, FRESH_MS, purge } from '../eta/cache.ts';

/** Drops stale ETA answers from the cache. Has slots of its own, so that a rush of predictions cannot keep it waiting. */
export const maintenancePurge = defineTask('maintenance.purge', {
  queue: 'maintenance',
  retry: { attempts: 1 },
  input: z.object({ older_than_s: z.number().min(0).optional() }).nullable(),
  run: (input) => purge(cachePath(), (input?.older_than_s ?? FRESH_MS / 1_000) * 1_000),
});
