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

  get first(): Waiting | undefined {
    return this.#items[this.#head];
  }

  /** Whether what waits would make at least half a batch. */
  get isHalfBatch(): boolean {
    return this.size * 2 >= BATCH_LIMIT || this.#bytes * 2 >= BATCH_BYTES_LIMIT;
  }

  push(one: Waiting): void {
    this.#items.push(one);
    this.#bytes += one.job.record.length;
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
    for (const { job } of taken) this.#bytes -= job.record.length;
    this.#head = end;
    if (this.#head * 2 < this.#items.length) return taken;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
    return taken;
  }
}

export function endAll(batch: readonly Waiting[], error: BrokerError): void {
  for (const waiting of batch) end(waiting, error);
}

export const end = ({ caller, index }: Waiting, how: EnqueueEnd): void => caller.ended(index, how);

export const deadlineOf = (batch: readonly Waiting[]): number =>
  batch.reduce((first, { deadline }) => Math.min(first, deadline), Number.POSITIVE_INFINITY);
