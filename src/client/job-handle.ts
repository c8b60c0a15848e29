import type { BrokerClient } from '../broker/broker.ts';
import { decodeJob } from '../broker/job-record.ts';
import type { ResultRecord } from '../broker/messages/exchange.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { type ErrorCode, ForkloopError } from '../lib/errors.ts';
import { OptionNames } from '../lib/option-names.ts';
import { type Duration, parseDuration } from '../lib/units.ts';
import type { ResultWatcher } from './result-watcher.ts';

/**
 * Where a job is. `ended`: it is not stored any more and its result is not kept (or its time is over); or it never was.
 */
export type JobStatus =
  | 'ready'
  | 'delayed'
  | 'in_flight'
  | 'completed'
  | 'dead'
  | 'cancelled'
  | 'expired'
  | 'ended';

export interface ResultOptions {
  /** How long to wait at most. */
  readonly timeout?: Duration;
}

const RESULT_OPTIONS = new OptionNames<ResultOptions>('result', { timeout: true });

/** One enqueued job, seen from the program that enqueued it. */
export interface JobHandle<Output = unknown> {
  readonly id: string;
  readonly queue: string;
  /** True: nothing was stored, this is the live job that already holds the unique key. */
  readonly existing: boolean;
  /**
   * The handler's result, as JSON carried it. Without `timeout` it waits for as long as it takes.
   * @throws ForkloopError ERR_JOB_DEAD, ERR_JOB_CANCELLED, ERR_JOB_EXPIRED (the cause has the job's own error),
   * ERR_RESULT_TIMEOUT, and at once ERR_RESULT_NOT_KEPT for a job enqueued without `result`, ERR_OPTION_INVALID.
   * BrokerError for an `existing` job when the broker does not answer whether its result is kept.
   */
  result(options?: ResultOptions): Promise<Output>;
  /** @throws BrokerError when the broker does not answer. */
  status(): Promise<JobStatus>;
}

/** Where a job is asked about. */
export interface JobSource {
  readonly queue: string;
  readonly broker: BrokerClient;
  readonly watcher: ResultWatcher;
  readonly clock: Clock;
}

/** Made for each job, of a million at once as well: what it shares with the others it only refers to. */
export class StoredJob<Output> implements JobHandle<Output> {
  readonly id: string;
  readonly queue: string;
  readonly existing: boolean;
  /** Null: somebody else enqueued it. To find out costs the broker a search, so it is asked only for a result. */
  readonly #resultKept: boolean | null;
  readonly #source: JobSource;

  constructor(id: string, existing: boolean, resultKept: boolean | null, source: JobSource) {
    this.id = id;
    this.queue = source.queue;
    this.existing = existing;
    this.#resultKept = resultKept;
    this.#source = source;
  }

  async result(options: ResultOptions = {}): Promise<Output> {
    RESULT_OPTIONS.check(options);
    const { timeout } = options;
    return outputOf<Output>(this.id, await resultRecord(this.id, this.#resultKept, this.#source, timeout));
  }

  status(): Promise<JobStatus> {
    return statusOf(this.id, this.#source);
  }
}

function resultRecord(
  id: string,
  resultKept: boolean | null,
  source: JobSource,
  timeout: Duration | undefined,
): Promise<ResultRecord> {
  const { watcher, clock } = source;
  const ms = timeout === undefined ? null : parseDuration(timeout);
  return new Promise((resolve, reject) => {
    const fail = (code: ErrorCode, message: string) =>
      reject(new ForkloopError(code, `job ${id}: ${message}`));
    if (timeout !== undefined && ms === null) {
      return fail(
        'ERR_OPTION_INVALID',
        `timeout ${JSON.stringify(timeout)} is no duration: write 3s or 500ms`,
      );
    }
    const failAsNotKept = () =>
      fail(
        'ERR_RESULT_NOT_KEPT',
        'its result is not kept: enqueue it with { result: true } or { result: "10m" }',
      );
    if (resultKept === false) return failAsNotKept();
    let unwatch = () => {};
    const giveUp = (why: () => void) => {
      timer?.cancel();
      unwatch();
      why();
    };
    const expire = () =>
      giveUp(() => fail('ERR_RESULT_TIMEOUT', `no result within ${timeout}; it may still come`));
    // Before the watch, which answers at once when the client is closed.
    const timer: Timer | null = ms === null ? null : clock.setTimer(ms, expire);
    unwatch = watcher.watch(id, (record) => {
      timer?.cancel();
      if (record === null) fail('ERR_CLIENT_CLOSED', 'the client was closed before the result came');
      else resolve(record);
    });
    if (resultKept === true) return;
    keepsResult(id, source).then(
      (kept) => {
        if (!kept) giveUp(failAsNotKept);
      },
      (error: unknown) => giveUp(() => reject(error)),
    );
  });
}

/** Of a job that somebody else enqueued. One that has ended keeps its result if there is one. @throws BrokerError */
async function keepsResult(id: string, { broker, queue }: JobSource): Promise<boolean> {
  const stored = await broker.find(queue, id);
  if (stored !== null) return decodeJob(stored.record).keepResult;
  const [result] = await broker.results(queue, [id]);
  return result !== null && result !== undefined;
}

const ENDED: Readonly<Record<Exclude<ResultRecord['status'], 'completed'>, ErrorCode>> = {
  dead: 'ERR_JOB_DEAD',
  cancelled: 'ERR_JOB_CANCELLED',
  expired: 'ERR_JOB_EXPIRED',
};

function outputOf<Output>(id: string, record: ResultRecord): Output {
  if (record.status === 'completed') return record.result as Output;
  const { name, message } = record.error;
  throw new ForkloopError(ENDED[record.status], `job ${id} is ${record.status}: ${name}: ${message}`, {
    cause: record.error,
  });
}

async function statusOf(id: string, { broker, queue }: JobSource): Promise<JobStatus> {
  // Stored jobs first: one that ends in between is then found by its result, if that is kept.
  const stored = await broker.find(queue, id);
  if (stored !== null) return stored.state;
  const [json] = await broker.results(queue, [id]);
  return json === null || json === undefined ? 'ended' : (JSON.parse(json) as ResultRecord).status;
}
