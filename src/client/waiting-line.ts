import type { BrokerError } from '../broker/broker-error.ts';
import { BATCH_BYTES_LIMIT, BATCH_LIMIT } from '../broker/messages/batch.ts';
import type { EnqueueJob } from '../broker/messages/enqueue.ts';

/** The id of the live job that holds the unique key, or null when this one was stored. */
export type Existing = string | null;

/** How the enqueue of one job ended. */
export type EnqueueEnd = Existing | BrokerError;

/** Who hears how jobs ended: one for a whole batch, as each object for each job would be collected again and again. */
export interface Caller {
  ended(index: number, end: EnqueueEnd): void;
}

export interface Waiting {
  readonly job: EnqueueJob;
  readonly deadline: number;
  readonly caller: Caller;
  /** Which of the caller's jobs it is. */
  readonly index: number;
}

/** In the order of their calls. Taking from its head costs the same however long it is. */
export class WaitingLine {
  #items: Waiting[] = [];
  #head = 0;
  /** Of records. */
  #bytes = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The first of all: a call that took its time before it came here has an earlier one than those before it. */
  get deadline(): number {
    return deadlineOf(this.#items.slice(this.#head));
  }

  /** Whether what waits would make at least half a batch. */
  get isHalfBatch(): boolean {
    return this.size * 2 >= BATCH_LIMIT || this.#bytes * 2 >= BATCH_BYTES_LIMIT;
  }

  push(one: Waiting): void {
    this.#items.push(one);
    this.#bytes += one.job.record.length;
  }

  /** Cut where its bytes reach `bytesLimit`, which one job alone may pass. */
  takeBatch(bytesLimit: number): Waiting[] {
    let [bytes, end] = [0, this.#head];
    while (end < this.#items.length && end - this.#head < BATCH_LIMIT && bytes < bytesLimit) {
      bytes += (this.#items[end] as Waiting).job.record.length;
      end++;
    }
    return this.#take(end);
  }

  takeUntil(now: number): Waiting[] {
    const [late, left]: [Waiting[], Waiting[]] = [[], []];
    for (const one of this.#items.slice(this.#head)) (one.deadline <= now ? late : left).push(one);
    this.#items = left;
    this.#head = 0;
    this.#bytes -= bytesOf(late);
    return late;
  }

  #take(end: number): Waiting[] {
    const taken = this.#items.slice(this.#head, end);
    this.#bytes -= bytesOf(taken);
    this.#head = end;
    if (this.#head * 2 < this.#items.length) return taken;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
    return taken;
  }
}

export function bytesOf(batch: readonly Waiting[]): number {
  let bytes = 0;
  for (const { job } of batch) bytes += job.record.length;
  return bytes;
}

export function endAll(batch: readonly Waiting[], error: BrokerError): void {
  for (const waiting of batch) end(waiting, error);
}

export const end = ({ caller, index }: Waiting, how: EnqueueEnd): void => caller.ended(index, how);

export const deadlineOf = (batch: readonly Waiting[]): number =>
  batch.reduce((first, { deadline }) => Math.min(first, deadline), Number.POSITIVE_INFINITY);
