import type { BrokerClient } from '../broker/broker.ts';
import { BrokerError } from '../broker/broker-error.ts';
import type { EnqueueBatch, EnqueueJob, EnqueueReply } from '../broker/messages/enqueue.ts';
import type { Clock, EpochMs, Timer } from '../lib/clock.ts';
import type { NewId } from '../lib/ids.ts';
import type { Random } from '../lib/random.ts';
import { notStored, perhapsStored, timedOut } from './enqueue-failures.ts';
import { deadlineOf, end, endAll, type Waiting } from './waiting-line.ts';

/** How far ahead a batch is stamped: later than this it is not stored any more (protocol: `not after`). */
const NOT_AFTER_MS = 35_000;
/** A batch with this stamp is always late: it is answered the time. */
const LONG_AGO = 1;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;
/** A call that ends by the same deadline tells more than ours: it gets so much longer. */
const ANSWER_GRACE_MS = 10;

export interface BatchSenderOptions {
  readonly queue: string;
  readonly broker: BrokerClient;
  /** From the call that adds a job to its end, at most, when the caller gives no deadline of its own. */
  readonly timeoutMs: number;
  /** Within this each call of the broker ends by itself, answered or not. Where it is left out, none has to. */
  readonly callDeadlineMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: NewId;
}

/** Brings one batch to its end, by the broker's clock. Several at once do not touch each other. */
export class BatchSender {
  readonly #options: BatchSenderOptions;
  /** Broker's clock minus ours, as last told. */
  #offset: number | null = null;

  constructor(options: BatchSenderOptions) {
    this.#options = options;
  }

  /** Whether the broker has told its time. */
  get knowsTime(): boolean {
    return this.#offset !== null;
  }

  /** The broker's time as far as we know it. */
  brokerNow(): EpochMs {
    return this.#options.clock.now() + (this.#offset ?? 0);
  }

  /** Asks for the time; `example` is not stored. Never rejects. */
  async askTime(example: EnqueueJob): Promise<void> {
    const batch = { id: this.#options.newId(), notAfterAt: LONG_AGO, jobs: [example] };
    await this.#attempt(batch).catch(() => {});
  }

  /**
   * Sends until the batch is answered, the deadline of each of its jobs has passed, or nobody but a person can help. What
   * was certainly refused goes on without the jobs whose time is over; a batch that may have been stored stays as it is.
   * `failed` is called each time before it is sent again.
   */
  async send(batch: readonly Waiting[], failed: () => void): Promise<void> {
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
        overdue?.cancel();
      }
      if (reply instanceof BrokerError) {
        if (reply.disposition === 'fatal' || reply.code === 'ERR_BROKER_FULL')
          return endAll(sent, sentBefore ? perhapsStored(reply) : reply);
        failed();
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

  /**
   * A call that began late ends later than its callers may wait: each is told at its own deadline, until it is cancelled. Null
   * where the call ends before.
   */
  #endOverdue(sent: readonly Waiting[]): Timer | null {
    const { clock, timeoutMs, callDeadlineMs = Number.POSITIVE_INFINITY } = this.#options;
    if (clock.monotonic() + callDeadlineMs < deadlineOf(sent)) return null;
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
}
