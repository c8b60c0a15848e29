import { defineTask } from 'forkloop';
import { z } from 'zod';
import { filterTrace } from '../filter/filter.ts';

/** CPU work: belongs in a pool of `kind: process`. */
export const locationFilter = defineTask('location.filter', {
  queue: 'geo',
  timeout: '30s',
  input: z.object({
    device: z.string().min(1).max(200),
    points: z
      .array(
        z.object({
          lat: z.number().min(-90).max(90),
          lng: z.number().min(-180).max(180),
          at: z.iso.datetime({ offset: true }),
        }),
      )
      .max(200_000),
  }),
  run: (trace) => filterTrace(trace),
});
