import type { Broker } from '../broker/broker.ts';
import { recordId, tokenId } from '../broker/job-record.ts';
import { JOB_STATES, type JobFilter } from '../control/job-filter.ts';
import { parseJobFilter } from '../control/job-filter-parser.ts';
import { endedJobReport, jobReport } from '../control/job-report.ts';
import type {
  JobReport,
  JobRequest,
  JobsReport,
  JobsRequest,
  StoredJobReport,
} from '../control/messages/jobs.ts';
import type { Clock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Pool } from '../pool/pool.ts';
import { scanJobs } from './job-scan.ts';

/** Answers questions about single jobs, from the broker and, for running ones, from the pools. */
export class JobInspector {
  readonly #broker: Broker;
  readonly #queues: readonly string[];
  readonly #pools: readonly Pool[];
  readonly #clock: Clock;

  constructor(broker: Broker, pools: readonly Pool[], clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
    this.#pools = pools;
    this.#queues = pools.flatMap((pool) => pool.queues);
  }

  /** @throws ForkloopError ERR_JOB_UNKNOWN; BrokerError */
  async show({ id, input }: JobRequest): Promise<JobReport> {
    for (const queue of this.#queues) {
      const stored = await this.#broker.find(queue, id);
      if (stored !== null)
        return jobReport(stored, {
          queue,
          tasks: this.#tasksOf(queue),
          input,
          progress: this.#progressOf(id),
        });
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

  /** @throws ForkloopError ERR_QUEUE_UNKNOWN, ERR_OPTION_INVALID; BrokerError */
  async list({ state, queue, where, limit }: JobsRequest): Promise<JobsReport> {
    if (queue !== undefined && !this.#queues.includes(queue)) {
      throw new ForkloopError(
        'ERR_QUEUE_UNKNOWN',
        `no pool serves the queue "${queue}": there are ${this.#queues.join(', ')}`,
      );
    }
    const found = await scanJobs(this.#broker, {
      queues: queue === undefined ? this.#queues : [queue],
      states: state === undefined ? JOB_STATES : [state],
      filter: where === undefined ? null : filterOf(where),
      limit,
      now: this.#clock.now(),
      report: (stored, of) =>
        jobReport(stored, {
          queue: of,
          tasks: this.#tasksOf(of),
          input: false,
          progress: this.#progressOf(recordId(stored.record)),
        }),
    });
    return { schema: 'forkloop.jobs/1', ...found };
  }

  #tasksOf(queue: string): Pool['tasks'] | null {
    const tasks = this.#pools.find((pool) => pool.queues.includes(queue))?.tasks;
    return tasks === undefined || tasks.size === 0 ? null : tasks;
  }

  #progressOf(id: string): StoredJobReport['progress'] {
    for (const pool of this.#pools) {
      const found = pool.progress().find(({ token }) => tokenId(token) === id);
      if (found !== undefined) return { done: found.done, total: found.total };
    }
    return null;
  }
}

/** The command line has checked it already: only another program comes here with a wrong one. */
function filterOf(where: string): JobFilter {
  const parsed = parseJobFilter(where);
  if (parsed.ok) return parsed.filter;
  const { message, at } = parsed.problem;
  throw new ForkloopError('ERR_OPTION_INVALID', `where, at character ${at + 1}: ${message}`);
}
