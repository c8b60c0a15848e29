import type { Broker } from '../broker/broker.ts';
import type { JobState, QueueStats, StoredJob } from '../broker/messages/operator.ts';
import { type JobFilter, matchesJob, queuesOf, statesOf } from '../control/job-filter.ts';
import { JOBS_LIMIT, type StoredJobReport } from '../control/messages/jobs.ts';
import type { EpochMs } from '../lib/clock.ts';

export interface JobScanRequest {
  readonly queues: readonly string[];
  readonly states: readonly JobState[];
  /** Null: every job is meant. */
  readonly filter: JobFilter | null;
  readonly limit: number;
  readonly now: EpochMs;
  report(stored: StoredJob, queue: string): StoredJobReport;
}

/** See `JobsReport`. */
export interface JobScanReply {
  readonly jobs: readonly StoredJobReport[];
  readonly more: boolean;
  readonly scanned: number;
  readonly stored: number;
}

/**
 * Goes through the stored jobs until it has found what is wanted. Nothing is indexed, so it reads what a filter does not
 * rule out, but a bounded number of each queue and state: the reply says of how many. @throws BrokerError
 */
export async function scanJobs(broker: Broker, request: JobScanRequest): Promise<JobScanReply> {
  const { filter, limit, now, report } = request;
  const queues = filter === null ? request.queues : queuesOf(filter, request.queues);
  const able = filter === null ? request.states : statesOf(filter);
  const states = request.states.filter((state) => able.includes(state));
  const found: StoredJobReport[] = [];
  let scanned = 0;
  for (const queue of queues) {
    for (const state of states) {
      if (found.length > limit) break;
      const most = filter === null ? limit + 1 - found.length : JOBS_LIMIT;
      for (const stored of await broker.list(queue, { state, limit: most })) {
        if (found.length > limit) break;
        scanned += 1;
        const job = report(stored, queue);
        if (filter === null || matchesJob(filter, job, now)) found.push(job);
      }
    }
  }
  const stored = await storedIn(broker, queues, states);
  return {
    jobs: found.slice(0, limit),
    more: found.length > limit,
    scanned,
    stored: Math.max(scanned, stored),
  };
}

async function storedIn(
  broker: Broker,
  queues: readonly string[],
  states: readonly JobState[],
): Promise<number> {
  const stats = await Promise.all(queues.map((queue) => broker.stats(queue)));
  return stats.reduce((sum, each) => sum + states.reduce((own, state) => own + COUNT_OF[state](each), 0), 0);
}

const COUNT_OF: Readonly<Record<JobState, (stats: QueueStats) => number>> = {
  ready: ({ ready }) => ready,
  delayed: ({ delayed }) => delayed,
  in_flight: ({ inFlight }) => inFlight,
  dead: ({ dead }) => dead,
};
