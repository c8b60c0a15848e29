import type { BrokerClient } from '../broker/broker.ts';
import { BrokerError } from '../broker/broker-error.ts';
import type { EnqueueBatch, EnqueueJob, EnqueueReply } from '../broker/messages/enqueue.ts';
import type { Clock, EpochMs, Timer } from '../lib/clock.ts';
import type { NewId } from '../lib/ids.ts';
import type { Random } from '../lib/random.ts';
import { notStored, perhapsStored, timedOut } from './enqueue-failures.ts';
import {
  type Caller,
  deadlineOf,
  type EnqueueEnd,
  type Existing,
  end,
  endAll,
  type Waiting,
  WaitingLine,
} from './waiting-line.ts';

/** How far ahead a batch is stamped: later than this it is not stored any more (protocol: `not after`). */
const NOT_AFTER_MS = 35_000;
/** A batch with this stamp is always late: it is answered the time. */
const LONG_AGO = 1;
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

/** Of batches in flight: one is being stored while the next one is made and the callers of the last one hear. */
const LANES = 2;

/**
 * Sends the jobs of one queue. The calls of one turn travel together; while a batch is in flight the next one gathers, so
 * batches grow with the load and nothing ever waits for a timer. Where it is half full, it goes beside the one in flight.
 * A batch whose end is not known is sent again as it is, so that those of a later one may be stored before its own.
 */
export class Enqueuer {
  readonly #options: EnqueuerOptions;
  readonly #waiting = new WaitingLine();
  #inFlight = 0;
  /** Whether batches are cut at the end of this turn. */
  #scheduled = false;
  #expiry: Timer | null = null;
  /** Broker's clock minus ours, as last told. */
  #offset: number | null = null;

  constructor(options: EnqueuerOptions) {
    this.#options = options;
  }

  /** The broker's time as far as we know it. */
  brokerNow(): EpochMs {
    return this.#options.clock.now() + (this.#offset ?? 0);
  }

  /**
   * Asks the broker for its time if it has not told it yet; `example` is not stored. Resolves at the deadline at the
   * latest, also when there was no answer: our own clock has to do then.
   */
  async learnTime(example: EnqueueJob, deadline = this.#deadline()): Promise<void> {
    if (this.#offset !== null) return;
    const { clock, newId } = this.#options;
    const answered = new AbortController();
    const asked = this.#attempt({ id: newId(), notAfterAt: LONG_AGO, jobs: [example] }).catch(() => {});
    const left = Math.max(0, deadline - clock.monotonic());
    await Promise.race([asked, clock.sleep(left, answered.signal)]);
    answered.abort();
  }

  /**
   * Resolves when the job is stored. `deadline`: on the monotonic clock.
   * @throws BrokerError: refused = certainly not stored, unknown = perhaps.
   */
  add(job: EnqueueJob, deadline = this.#deadline()): Promise<Existing> {
    return new Promise((resolve, reject) => {
      const ended = (_: number, end: EnqueueEnd) => (end instanceof BrokerError ? reject(end) : resolve(end));
      this.#put({ job, deadline, caller: { ended }, index: 0 });
    });
  }

  /** As `add` for each of them, in their order. Never rejects. */
  addMany(jobs: readonly EnqueueJob[]): Promise<readonly EnqueueEnd[]> {
    const deadline = this.#deadline();
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

  #deadline(): number {
    return this.#options.clock.monotonic() + this.#options.timeoutMs;
  }

  #put(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#scheduled) return;
    if (this.#mayBegin()) {
      this.#scheduled = true;
      queueMicrotask(() => this.#begin());
    } else this.#armExpiry();
  }

  #mayBegin(): boolean {
    if (this.#inFlight === 0) return this.#waiting.size > 0;
    return this.#inFlight < LANES && this.#waiting.isHalfBatch;
  }

  #begin(): void {
    this.#scheduled = false;
    while (this.#mayBegin()) void this.#sendBatch(this.#waiting.takeBatch());
    if (this.#waiting.size > 0) this.#armExpiry();
    else {
      this.#expiry?.cancel();
      this.#expiry = null;
    }
  }

  async #sendBatch(batch: readonly Waiting[]): Promise<void> {
    this.#inFlight++;
    try {
      await this.#send(batch);
    } catch (error) {
      endAll(batch, new BrokerError('unknown', String(error), { cause: error }));
    }
    this.#inFlight--;
    this.#begin();
  }

  /**
   * Sends until the batch is answered, the deadline of each of its jobs has passed, or nobody but a person can help. What
   * was certainly refused goes on without the jobs whose time is over; a batch that may have been stored stays as it is.
   */
  async #send(batch: readonly Waiting[]): Promise<void> {
    const { clock, newId, timeoutMs } = this.#options;
    let sent = this.#endLate(batch, clock.monotonic(), () => notStored(timeoutMs));
    let stamp = { id: newId(), notAfterAt: this.brokerNow() + NOT_AFTER_MS };
    let sentBefore = false;
    for (let attempt = 0; sent.length > 0; attempt++) {
      const jobs = sent.map((waiting) => waiting.job);
      const overdue = this.#endOverdue(sent);
      let reply: EnqueueReply | BrokerError;
      try {
        reply = await this.#attempt({ ...stamp, jobs });
      } finally {
        overdue.cancel();
      }
      if (reply instanceof BrokerError) {
        if (reply.disposition === 'fatal' || reply.code === 'ERR_BROKER_FULL')
          return endAll(sent, sentBefore ? perhapsStored(reply) : reply);
        sentBefore ||= reply.disposition === 'unknown';
        const pause = this.#pause(attempt);
        const until = clock.monotonic() + pause;
        const left = this.#endLate(sent, until, () => timedOut(reply, sentBefore, timeoutMs));
        if (left.length === 0) return;
        if (!sentBefore && left.length < sent.length) {
          sent = left;
          stamp = { ...stamp, id: newId() };
        }
        await clock.sleep(pause);
      } else if (reply.status === 'stored') {
        for (const [at, waiting] of sent.entries()) end(waiting, reply.existing[at] ?? null);
        return;
      } else if (sentBefore) {
        const why = 'the broker answered too late to tell whether the jobs were stored';
        return endAll(sent, new BrokerError('unknown', why));
      } else {
        stamp = { id: newId(), notAfterAt: reply.now + NOT_AFTER_MS };
      }
    }
  }

  /** Ends those whose deadline is `until` or before; the others. */
  #endLate(waiting: readonly Waiting[], until: number, why: () => BrokerError): readonly Waiting[] {
    const left = waiting.filter(({ deadline }) => deadline > until);
    if (left.length === waiting.length) return waiting;
    endAll(
      waiting.filter(({ deadline }) => deadline <= until),
      why(),
    );
    return left;
  }

  /** A call that began late ends later than its callers may wait: each is told at its own deadline, until it is cancelled. */
  #endOverdue(sent: readonly Waiting[]): Timer {
    const { clock, timeoutMs } = this.#options;
    const why = () => timedOut(new BrokerError('unknown', 'the last call is not answered'), true, timeoutMs);
    let waiting = sent;
    const arm = (): Timer => {
      const first = deadlineOf(waiting);
      return clock.setTimer(Math.max(0, first - clock.monotonic()) + ANSWER_GRACE_MS, () => {
        waiting = this.#endLate(waiting, Math.max(first, clock.monotonic() - ANSWER_GRACE_MS), why);
        if (waiting.length > 0) timer = arm();
      });
    };
    let timer = arm();
    return { cancel: () => timer.cancel() };
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
