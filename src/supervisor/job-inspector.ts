import type { Broker, JobState } from '../broker/broker.ts';
import { recordId, tokenId } from '../broker/job-record.ts';
import { endedJobReport, jobReport } from '../control/job-report.ts';
import type { JobReport, JobRequest, JobsReport, JobsRequest, StoredJobReport } from '../control/protocol.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Pool } from '../pool/pool.ts';

const STATES: readonly JobState[] = ['in_flight', 'ready', 'delayed', 'dead'];

/** Answers questions about single jobs, from the broker and, for running ones, from the pools. */
export class JobInspector {
  readonly #broker: Broker;
  readonly #queues: readonly string[];
  readonly #pools: readonly Pool[];

  constructor(broker: Broker, pools: readonly Pool[]) {
    this.#broker = broker;
    this.#pools = pools;
    this.#queues = pools.flatMap((pool) => pool.queues);
  }

  /** @throws ForkloopError ERR_JOB_UNKNOWN; BrokerError */
  async show({ id, input }: JobRequest): Promise<JobReport> {
    for (const queue of this.#queues) {
      const stored = await this.#broker.find(queue, id);
      if (stored !== null) return jobReport(stored, { queue, input, progress: this.#progressOf(id) });
    }
    for (const queue of this.#queues) {
      const [json] = await this.#broker.results(queue, [id]);
      if (json !== null && json !== undefined) return endedJobReport(queue, id, json);
    }
    throw new ForkloopError(
      'ERR_JOB_UNKNOWN',
      `no job ${id} is stored: it ended and its result is not kept (any more), or it never was; enqueue with a kept result to look it up later`,
    );
  }

  /** @throws ForkloopError ERR_QUEUE_UNKNOWN; BrokerError */
  async list({ state, queue, limit }: JobsRequest): Promise<JobsReport> {
    if (queue !== undefined && !this.#queues.includes(queue)) {
      throw new ForkloopError(
        'ERR_QUEUE_UNKNOWN',
        `no pool serves the queue "${queue}": there are ${this.#queues.join(', ')}`,
      );
    }
    const jobs: StoredJobReport[] = [];
    for (const name of queue === undefined ? this.#queues : [queue]) {
      for (const wanted of state === undefined ? STATES : [state]) {
        if (jobs.length > limit) break;
        const stored = await this.#broker.list(name, { state: wanted, limit: limit + 1 - jobs.length });
        jobs.push(
          ...stored.map((job) =>
            jobReport(job, { queue: name, input: false, progress: this.#progressOf(recordId(job.record)) }),
          ),
        );
      }
    }
    return { schema: 'forkloop.jobs/1', jobs: jobs.slice(0, limit), more: jobs.length > limit };
  }

  #progressOf(id: string): StoredJobReport['progress'] {
    for (const pool of this.#pools) {
      const found = pool.progress().find(({ token }) => tokenId(token) === id);
      if (found !== undefined) return { done: found.done, total: found.total };
    }
    return null;
  }
}
