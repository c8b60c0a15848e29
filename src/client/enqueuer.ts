import { BrokerError } from '../broker/broker-error.ts';
import { BATCH_BYTES_LIMIT } from '../broker/messages/batch.ts';
import type { EnqueueJob } from '../broker/messages/enqueue.ts';
import type { EpochMs, Timer } from '../lib/clock.ts';
import { BatchSender, type BatchSenderOptions } from './batch-sender.ts';
import { notStored } from './enqueue-failures.ts';
import {
  bytesOf,
  type Caller,
  type EnqueueEnd,
  type Existing,
  end,
  endAll,
  type Waiting,
  WaitingLine,
} from './waiting-line.ts';

/** Of batches in flight: one is stored while the callers of the other hear and the next one is made. */
const LANES = 2;

/**
 * Sends the jobs of one queue. The calls of one turn travel together; while a batch is in flight the next one gathers, so
 * batches grow with the load and nothing ever waits for a timer. Where it is half full, it goes beside the one in flight,
 * while that has not failed. A batch whose end is not known is sent again as it is.
 */
export class Enqueuer {
  readonly #options: BatchSenderOptions;
  readonly #sender: BatchSender;
  readonly #waiting = new WaitingLine();
  #inFlight = 0;
  /** Of records in flight. */
  #bytes = 0;
  /** Batches under way whose last call failed. */
  readonly #failing = new Set<readonly Waiting[]>();
  /** Whether batches are cut at the end of this turn. */
  #scheduled = false;
  /** When the first of those that wait is late, on the monotonic clock. */
  #expiry: { readonly at: number; readonly timer: Timer } | null = null;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
    this.#sender = new BatchSender(options);
  }

  /** The broker's time as far as we know it. */
  brokerNow(): EpochMs {
    return this.#sender.brokerNow();
  }

  /**
   * Asks the broker for its time if it has not told it yet; `example` is not stored. Resolves at the deadline at the
   * latest, also when there was no answer: our own clock has to do then.
   */
  async learnTime(example: EnqueueJob, deadline = this.#deadline()): Promise<void> {
    if (this.#sender.knowsTime) return;
    const { clock } = this.#options;
    const answered = new AbortController();
    const asked = this.#sender.askTime(example);
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

  /** As `add` for each of them. Never rejects. */
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
    } else this.#armExpiry(waiting.deadline);
  }

  /**
   * The second lane is for a broker that answers. Both together are not larger than one batch may be, as the time of each
   * call runs from when it is handed over, however slow the network.
   */
  #mayBegin(): boolean {
    if (this.#inFlight === 0) return this.#waiting.size > 0;
    const isRoom = this.#inFlight < LANES && this.#bytes * 2 <= BATCH_BYTES_LIMIT;
    return isRoom && this.#failing.size === 0 && this.#waiting.isHalfBatch;
  }

  #begin(): void {
    this.#scheduled = false;
    while (this.#mayBegin()) void this.#sendBatch(this.#waiting.takeBatch(BATCH_BYTES_LIMIT - this.#bytes));
    if (this.#waiting.size === 0) this.#disarmExpiry();
    else if (this.#expiry === null) this.#armExpiry(this.#waiting.deadline);
  }

  async #sendBatch(batch: readonly Waiting[]): Promise<void> {
    const bytes = bytesOf(batch);
    this.#inFlight++;
    this.#bytes += bytes;
    try {
      await this.#sender.send(batch, () => this.#failing.add(batch));
    } catch (error) {
      endAll(batch, new BrokerError('unknown', String(error), { cause: error }));
    }
    this.#failing.delete(batch);
    this.#inFlight--;
    this.#bytes -= bytes;
    this.#begin();
  }

  /** Those that wait behind a batch in flight end by their own deadline, not by that of the batch before them. */
  #armExpiry(deadline: number): void {
    if (this.#expiry !== null && this.#expiry.at <= deadline) return;
    this.#disarmExpiry();
    const { clock, timeoutMs } = this.#options;
    const timer = clock.setTimer(Math.max(1, deadline - clock.monotonic()), () => {
      this.#expiry = null;
      for (const late of this.#waiting.takeUntil(clock.monotonic())) end(late, notStored(timeoutMs));
      if (this.#waiting.size > 0) this.#armExpiry(this.#waiting.deadline);
    });
    this.#expiry = { at: deadline, timer };
  }

  #disarmExpiry(): void {
    this.#expiry?.timer.cancel();
    this.#expiry = null;
  }
}
