import type { Broker } from '../broker/broker.ts';
import { recordClaims } from '../broker/job-record.ts';
import type { JobDeleteReport, JobOperation, JobRetryReport } from '../control/messages/jobs.ts';
import { ForkloopError } from '../lib/errors.ts';
import { answered } from './answered.ts';

export interface JobOperatorOptions {
  readonly broker: Broker;
  readonly queues: readonly string[];
  /** How long results of a queue are kept, ms. */
  readonly resultTtlOf: (queue: string) => number;
}

/** A job, where it is and as it was seen. */
interface Target {
  readonly queue: string;
  readonly id: string;
  readonly claims: number;
}

/** Does to single jobs what an operator asks for. */
export class JobOperator {
  readonly #options: JobOperatorOptions;

  constructor(options: JobOperatorOptions) {
    this.#options = options;
  }

  /**
   * @throws ForkloopError ERR_QUEUE_UNKNOWN, ERR_JOB_UNKNOWN, ERR_JOB_IN_FLIGHT, ERR_JOB_CHANGED, ERR_JOB_EXPIRED,
   * ERR_KEY_HELD; BrokerError
   */
  async retry(request: JobOperation): Promise<JobRetryReport> {
    const { queue, ...target } = await this.#locate(request);
    const reply = await answered(() => this.#options.broker.retry(queue, target));
    const { id } = target;
    switch (reply.status) {
      case 'ready':
        return { schema: 'forkloop.job-retry/1', id, queue };
      case 'held':
        throw new ForkloopError(
          'ERR_KEY_HELD',
          `job ${id} cannot run again: its unique key is held by job ${reply.holder}; wait until that one has ended, or delete it`,
        );
      case 'expired':
        throw new ForkloopError(
          'ERR_JOB_EXPIRED',
          `job ${id} may not be started any more: its "expires" has passed; enqueue it anew, or delete it`,
        );
      case 'in_flight':
        throw inFlight(id, 'retried');
      case 'changed':
        throw changed(id);
      case 'gone':
        throw unknown(id);
    }
  }

  /** @throws ForkloopError ERR_QUEUE_UNKNOWN, ERR_JOB_UNKNOWN, ERR_JOB_IN_FLIGHT, ERR_JOB_CHANGED; BrokerError */
  async delete(request: JobOperation): Promise<JobDeleteReport> {
    const { broker, resultTtlOf } = this.#options;
    const { queue, ...target } = await this.#locate(request);
    const resultTtlMs = resultTtlOf(queue);
    const { status } = await answered(() => broker.delete(queue, { ...target, resultTtlMs }));
    const { id } = target;
    if (status === 'in_flight') throw inFlight(id, 'deleted');
    if (status === 'changed') throw changed(id);
    return { schema: 'forkloop.job-delete/1', id, queue };
  }

  /** As the request says it was seen; what the request leaves out is looked up. */
  async #locate({ id, queue, claims }: JobOperation): Promise<Target> {
    const { broker, queues } = this.#options;
    if (queue !== undefined && !queues.includes(queue)) {
      const known = queues.join(', ');
      throw new ForkloopError('ERR_QUEUE_UNKNOWN', `no pool serves the queue "${queue}": there are ${known}`);
    }
    if (queue !== undefined && claims !== undefined) return { queue, id, claims };
    for (const name of queue === undefined ? queues : [queue]) {
      const found = await broker.find(name, id);
      if (found !== null) return { queue: name, id, claims: claims ?? recordClaims(found.record) };
    }
    throw unknown(id);
  }
}

const inFlight = (id: string, what: string): ForkloopError =>
  new ForkloopError(
    'ERR_JOB_IN_FLIGHT',
    `job ${id} runs: it cannot be ${what} before that attempt has ended`,
  );

const changed = (id: string): ForkloopError =>
  new ForkloopError(
    'ERR_JOB_CHANGED',
    `job ${id} has run or was retried since it was looked at: nothing was done; look at it again and decide anew`,
  );

const unknown = (id: string): ForkloopError =>
  new ForkloopError('ERR_JOB_UNKNOWN', `no job ${id} is stored: it ended, was deleted, or never was`);
