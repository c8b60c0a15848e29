import { OptionNames } from '../lib/option-names.ts';
import type { Duration } from '../lib/units.ts';
import { RETRY_OPTIONS, type RetryOptions } from '../task/retry-options.ts';

/** What the enqueuing call may say about its job. It wins over the task, the queue, the pool and the defaults. */
export interface EnqueueOptions {
  /** Instead of the queue that routes or the task would give. */
  readonly queue?: string;
  /** Not before so long from now. */
  readonly delay?: Duration;
  /** Not before this time. At most one of `delay` and `at`. */
  readonly at?: Date;
  /** Not started any more from then on: the job ends as expired. */
  readonly expires?: Duration | Date;
  /** 0 (first) to 9. */
  readonly priority?: number;
  /**
   * While a job with this key lives, enqueuing another returns that one. 1 to 999 ASCII characters. One that waits beyond its
   * `expires` lives until a daemon comes to it.
   */
  readonly unique?: string;
  /** Soft time limit of each attempt. */
  readonly timeout?: Duration;
  readonly retry?: RetryOptions;
  /** Keep the result so long; `true` = an hour. Without it `result()` cannot answer, unless the queue keeps results. */
  readonly result?: boolean | Duration;
  /** Strings that travel with the job: trace ids, tenants. */
  readonly headers?: Readonly<Record<string, string>>;
}

export const ENQUEUE_OPTIONS = new OptionNames<EnqueueOptions>(
  'enqueue',
  {
    queue: true,
    delay: true,
    at: true,
    expires: true,
    priority: true,
    unique: true,
    timeout: true,
    retry: true,
    result: true,
    headers: true,
  },
  { retry: RETRY_OPTIONS },
);

/**
 * Whether a job differs from its queue's others in nothing but id, task and input. Asked for every job that is enqueued: of
 * plain ones the names are looked at once.
 * @throws ForkloopError ERR_OPTION_INVALID: no object, or it has an option that there is not
 */
export function arePlain(options: EnqueueOptions): boolean {
  if (typeof options === 'object' && options !== null && hasOnlyQueue(options)) return true;
  ENQUEUE_OPTIONS.check(options);
  return false;
}

function hasOnlyQueue(options: object): boolean {
  for (const name in options) if (name !== 'queue') return false;
  return true;
}
