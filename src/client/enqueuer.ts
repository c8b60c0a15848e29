import type { BrokerClient } from '../broker/broker.ts';
import { BrokerError } from '../broker/broker-error.ts';
import { BATCH_BYTES_LIMIT, BATCH_LIMIT } from '../broker/messages/batch.ts';
import type { EnqueueBatch, EnqueueJob, EnqueueReply } from '../broker/messages/enqueue.ts';
import type { Clock, EpochMs, Timer } from '../lib/clock.ts';
import type { NewId } from '../lib/ids.ts';
import type { Random } from '../lib/random.ts';

/** How far ahead a batch is stamped: later than this it is not stored any more (protocol: `not after`). */
const NOT_AFTER_MS = 35_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
/** A call that ends by the same deadline tells more than ours: it gets so much longer. */
const ANSWER_GRACE_MS = 10;

export interface EnqueuerOptions {
  readonly queue: string;
  readonly broker: BrokerClient;
  /** From the call of `add` to its end, at most, when the caller gives no deadline of its own. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: NewId;
}

/** The id of the live job that holds the unique key, or null when this one was stored. */
export type Existing = string | null;

/** How the enqueue of one job ended. */
export type EnqueueEnd = Existing | BrokerError;

/** Who hears how jobs ended: one for a whole batch, as each object for each job would be collected again and again. */
interface Caller {
  ended(index: number, end: EnqueueEnd): void;
}

interface Waiting {
  readonly job: EnqueueJob;
  readonly deadline: number;
  readonly caller: Caller;
  /** Which of the caller's jobs it is. */
  readonly index: number;
}

/**
 * Sends the jobs of one queue. The calls of one turn travel together; while a batch is in flight the next one gathers, so
 * batches grow with the load and nothing ever waits for a timer. A batch whose end is not known is sent again as it is.
 */
export class Enqueuer {
  readonly #options: EnqueuerOptions;
  readonly #waiting = new WaitingLine();
  #state: 'idle' | 'scheduled' | 'sending' = 'idle';
  #expiry: Timer | null = null;
  /** Broker's clock minus ours, as last told. */
  #offset: number;

  constructor(options: EnqueuerOptions) {
    this.#options = options;
    this.#offset = 0;
  }

  /** The broker's time as far as we know it. */
  brokerNow(): EpochMs {
    return this.#options.clock.now() + this.#offset;
  }

  /**
   * Resolves when the job is stored. `deadline`: on the monotonic clock.
   * @throws BrokerError: refused = certainly not stored, unknown = perhaps.
   */
  add(
    job: EnqueueJob,
    deadline = this.#options.clock.monotonic() + this.#options.timeoutMs,
  ): Promise<Existing> {
    return new Promise((resolve, reject) => {
      const ended = (_: number, end: EnqueueEnd) => (end instanceof BrokerError ? reject(end) : resolve(end));
      this.#put({ job, deadline, caller: { ended }, index: 0 });
    });
  }

  /** As `add` for each of them, in their order. Never rejects. */
  addMany(jobs: readonly EnqueueJob[]): Promise<readonly EnqueueEnd[]> {
    const deadline = this.#options.clock.monotonic() + this.#options.timeoutMs;
    const ends: (EnqueueEnd | undefined)[] = Array(jobs.length).fill(undefined);
    let left = jobs.length;
    if (left === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const caller: Caller = {
        ended(index, end) {
          // What ends by its deadline and is answered later keeps its first end.
          if (ends[index] !== undefined) return;
          ends[index] = end;
          left -= 1;
          if (left === 0) resolve(ends as EnqueueEnd[]);
        },
      };
      for (let index = 0; index < jobs.length; index++)
        this.#put({ job: jobs[index] as EnqueueJob, deadline, caller, index });
    });
  }

  #put(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#state === 'idle') {
      this.#state = 'scheduled';
      queueMicrotask(() => void this.#sendAll());
    } else {
      this.#armExpiry();
    }
  }

  async #sendAll(): Promise<void> {
    this.#state = 'sending';
    while (this.#waiting.size > 0) await this.#send(this.#waiting.takeBatch());
    this.#state = 'idle';
    this.#expiry?.cancel();
    this.#expiry = null;
  }

  async #send(batch: Waiting[]): Promise<void> {
    const { clock, timeoutMs } = this.#options;
    const left = Math.max(0, deadlineOf(batch) - clock.monotonic());
    // A call that began late ends later than its callers may wait.
    const overdue = clock.setTimer(left + ANSWER_GRACE_MS, () => {
      const error = timedOut(new BrokerError('unknown', 'the last call is not answered'), true, timeoutMs);
      endAll(batch, error);
    });
    try {
      const existing = await this.#store(batch);
      for (let at = 0; at < batch.length; at++) end(batch[at] as Waiting, existing[at] ?? null);
    } catch (error) {
      const failure =
        error instanceof BrokerError ? error : new BrokerError('unknown', String(error), { cause: error });
      endAll(batch, failure);
    } finally {
      overdue.cancel();
    }
  }

  /** Sends until the batch is answered, its deadline has passed, or nobody but a person can help. */
  async #store(batch: Waiting[]): Promise<readonly Existing[]> {
    const { clock, newId, timeoutMs } = this.#options;
    const jobs = batch.map((waiting) => waiting.job);
    const deadline = deadlineOf(batch);
    if (clock.monotonic() >= deadline) throw notStored(timeoutMs);
    let stamp = { id: newId(), notAfterAt: this.brokerNow() + NOT_AFTER_MS };
    let sentBefore = false;
    for (let attempt = 0; ; attempt++) {
      const reply = await this.#attempt({ ...stamp, jobs });
      if (reply instanceof BrokerError) {
        if (reply.disposition === 'fatal' || reply.code === 'ERR_BROKER_FULL')
          throw sentBefore ? perhapsStored(reply) : reply;
        sentBefore ||= reply.disposition === 'unknown';
        const pause = this.#pause(attempt);
        if (clock.monotonic() + pause >= deadline) throw timedOut(reply, sentBefore, timeoutMs);
        await clock.sleep(pause);
      } else if (reply.status === 'stored') {
        return reply.existing;
      } else if (sentBefore) {
        throw new BrokerError('unknown', 'the broker answered too late to tell whether the jobs were stored');
      } else {
        stamp = { id: newId(), notAfterAt: reply.now + NOT_AFTER_MS };
      }
    }
  }

  async #attempt(batch: EnqueueBatch): Promise<EnqueueReply | BrokerError> {
    const { broker, queue, clock } = this.#options;
    try {
      const reply = await broker.enqueue(queue, batch);
      this.#offset = reply.now - clock.now();
      return reply;
    } catch (error) {
      if (error instanceof BrokerError) return error;
      throw error;
    }
  }

  #pause(attempt: number): number {
    return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.75 + 0.5 * this.#options.random());
  }

  /** Those that wait behind a batch in flight end by their own deadline, not by that of the batch before them. */
  #armExpiry(): void {
    const { first } = this.#waiting;
    if (this.#expiry !== null || first === undefined) return;
    const { clock, timeoutMs } = this.#options;
    this.#expiry = clock.setTimer(Math.max(1, first.deadline - clock.monotonic()), () => {
      this.#expiry = null;
      const now = clock.monotonic();
      for (const late of this.#waiting.takeUntil(now)) end(late, notStored(timeoutMs));
      this.#armExpiry();
    });
  }
}

/** In the order of their calls. Taking from its head costs the same however long it is. */
class WaitingLine {
  #items: Waiting[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  get first(): Waiting | undefined {
    return this.#items[this.#head];
  }

  push(one: Waiting): void {
    this.#items.push(one);
  }

  takeBatch(): Waiting[] {
    let [bytes, end] = [0, this.#head];
    while (end < this.#items.length && end - this.#head < BATCH_LIMIT && bytes < BATCH_BYTES_LIMIT) {
      bytes += (this.#items[end] as Waiting).job.record.length;
      end++;
    }
    return this.#take(end);
  }

  takeUntil(now: number): Waiting[] {
    let end = this.#head;
    while (end < this.#items.length && (this.#items[end] as Waiting).deadline <= now) end++;
    return this.#take(end);
  }

  #take(end: number): Waiting[] {
    const taken = this.#items.slice(this.#head, end);
    this.#head = end;
    if (this.#head * 2 < this.#items.length) return taken;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
    return taken;
  }
}

function endAll(batch: readonly Waiting[], error: BrokerError): void {
  for (const waiting of batch) end(waiting, error);
}

const end = ({ caller, index }: Waiting, how: EnqueueEnd): void => caller.ended(index, how);

const deadlineOf = (batch: readonly Waiting[]): number =>
  batch.reduce((first, { deadline }) => Math.min(first, deadline), Number.POSITIVE_INFINITY);

const notStored = (timeoutMs: number): BrokerError =>
  new BrokerError('refused', `the broker did not answer in time (${timeoutMs} ms); the job was not stored`);

/** This send was refused, but an earlier one of the same batch may have been carried out, or may still arrive. */
const perhapsStored = (reply: BrokerError): BrokerError =>
  new BrokerError(
    'unknown',
    `whether the jobs were stored is unknown; the last try was refused: ${reply.message}`,
    {
      code: reply.code,
      cause: reply,
    },
  );

function timedOut(cause: BrokerError, maybeStored: boolean, timeoutMs: number): BrokerError {
  const end = maybeStored ? 'whether the jobs were stored is unknown' : 'nothing was stored';
  return new BrokerError(
    maybeStored ? 'unknown' : 'refused',
    `the broker did not answer in time (${timeoutMs} ms), ${end}: ${cause.message}`,
    {
      cause,
    },
  );
}
