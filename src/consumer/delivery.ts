import { decodeJob, type Job, NO_OPTIONS, tokenClaims } from '../broker/job-record.ts';
import type { ClaimedJob } from '../broker/messages/exchange.ts';
import { type ErrorRecord, toErrorRecord } from '../lib/errors.ts';
import type { RetryPolicy } from '../lib/retry-policy.ts';
import type { Delivery } from '../pool/pool.ts';
import type { TaskManifest } from '../task/define.ts';
import { type AttemptLimits, type AttemptSettings, resolveLimits } from '../task/limits.ts';
import { CRASH_LIMIT } from './settlement.ts';

/** What a queue's jobs are given where they and their task say nothing. */
export interface QueueSettings {
  readonly name: string;
  /** From near to far: the queue's own, the pool's. */
  readonly levels: readonly AttemptSettings[];
  readonly defaults: AttemptLimits;
  /** For results that are kept without a time of their own. */
  readonly resultTtlMs: number;
  readonly maxResultBytes: number;
  /** Bounds of its dead set. */
  readonly keepDead: { readonly count: number; readonly ageMs: number };
}

/** A claimed job, ready for a pool, with what its settlement will need. */
export interface PreparedJob {
  readonly job: Job;
  readonly delivery: Delivery;
  readonly retry: RetryPolicy;
  readonly resultTtlMs: number | null;
}

/** `exhausted`: it took its worker or daemon down too often. `corrupt`: no record of ours. `unknown_task`: no worker of this pool has it; another daemon's may. */
export type Prepared =
  | { readonly type: 'ready'; readonly prepared: PreparedJob }
  | { readonly type: 'exhausted'; readonly prepared: PreparedJob }
  | { readonly type: 'corrupt'; readonly error: ErrorRecord }
  | { readonly type: 'unknown_task'; readonly task: string; readonly delayMs: number };

export function prepare(
  claimed: ClaimedJob,
  queue: QueueSettings,
  tasks: ReadonlyMap<string, TaskManifest>,
): Prepared {
  const job = read(claimed);
  if ('error' in job) return { type: 'corrupt', error: job.error };
  const manifest = tasks.get(job.job.task);
  if (manifest === undefined) {
    return {
      type: 'unknown_task',
      task: job.job.task,
      delayMs: unknownTaskDelay(tokenClaims(claimed.token)),
    };
  }
  const prepared = prepareKnown(claimed, job.job, queue, manifest);
  return { type: job.job.crashes >= CRASH_LIMIT ? 'exhausted' : 'ready', prepared };
}

function prepareKnown(
  claimed: ClaimedJob,
  job: Job,
  queue: QueueSettings,
  manifest: TaskManifest,
): PreparedJob {
  const limits = limitsOf(job, queue, manifest);
  return {
    job,
    retry: limits.retry,
    resultTtlMs: job.keepResult ? (job.options.resultTtl ?? queue.resultTtlMs) : null,
    delivery: {
      token: claimed.token,
      id: job.id,
      task: job.task,
      queue: queue.name,
      attempt: job.failures + 1,
      crashes: job.crashes,
      fence: tokenClaims(claimed.token),
      input: job.input,
      timeoutMs: limits.timeoutMs,
      killAfterMs: limits.killAfterMs,
      maxResultBytes: queue.maxResultBytes,
      alone: claimed.alone,
      headers: job.options.headers ?? NO_HEADERS,
    },
  };
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** Of jobs that say nothing themselves, which are most: found out once for each task and version of the settings. */
const common = new WeakMap<QueueSettings, WeakMap<TaskManifest, AttemptLimits>>();

function limitsOf({ options }: Job, queue: QueueSettings, manifest: TaskManifest): AttemptLimits {
  if (options !== NO_OPTIONS) {
    const own = { timeoutMs: options.timeout, retry: options.retry };
    return resolveLimits([own, manifest, ...queue.levels], queue.defaults);
  }
  let byTask = common.get(queue);
  if (byTask === undefined) {
    byTask = new WeakMap();
    common.set(queue, byTask);
  }
  let limits = byTask.get(manifest);
  if (limits === undefined) {
    limits = resolveLimits([manifest, ...queue.levels], queue.defaults);
    byTask.set(manifest, limits);
  }
  return limits;
}

function read(claimed: ClaimedJob): { job: Job } | { error: ErrorRecord } {
  try {
    return { job: decodeJob(claimed.record) };
  } catch (error) {
    return { error: toErrorRecord(error) };
  }
}

/** 5 s, 10 s … 5 min: a daemon with newer code may come; the job waits for it and is never dead for that. */
function unknownTaskDelay(claims: number): number {
  return Math.min(300_000, 5_000 * 2 ** Math.min(claims - 1, 10));
}
