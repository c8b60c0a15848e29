import { defineTask, NonRetryable } from 'forkloop';
import { z } from 'zod';
import { cachePath, EtaCache } from '../eta/cache.ts';
import { predict } from '../eta/predict.ts';

const place = z.object({ lat: z.number().min(-90).max(90), lng: z.number().min(-180).max(180) });

/** Shared by all jobs of a worker. */
const cache = new EtaCache(cachePath());

/** Waits for two services: belongs in a pool of `kind: async`. */
export const etaPredict = defineTask('eta.predict', {
  queue: 'eta',
  timeout: '5s',
  retry: { attempts: 5, initial: '200ms', max: '10s' },
  input: z.object({ from: place, to: place, at: z.iso.datetime({ offset: true }) }),
  run(question, { signal }) {
    const services = process.env['TRACKING_SERVICES_URL'];
    if (services === undefined) {
      throw new NonRetryable("TRACKING_SERVICES_URL is not set: name the services in the pool's env");
    }
    return predict(question, { services, cache, signal });
  },
});
