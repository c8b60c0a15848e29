import { BrokerError } from '../broker/broker-error.ts';

export interface LineFailure {
  readonly line: number | null;
  readonly error: unknown;
  /** Its own job is stored, only its end cannot be told. */
  readonly enqueued: boolean;
}

/** The first line of the input that could not be enqueued, or whose end cannot be told. */
export interface StreamFailure extends LineFailure {
  /** For certain, of the lines before it and after it. */
  readonly enqueuedBefore: number;
  readonly enqueuedAfter: number;
}

interface CountedLine {
  readonly line: number;
  /** `left`: its answer was not waited for. */
  readonly state: 'sent' | 'stored' | 'ended' | 'failed' | 'left';
  readonly enqueued: boolean;
  readonly error: unknown;
}

/** What became of the lines that were handed over. They are counted in the order of the input: the first that failed is told. */
export class LineTally {
  #failed: LineFailure | null = null;
  #before = 0;
  #after = 0;
  #unsure = 0;

  get unsure(): number {
    return this.#unsure;
  }

  /** `unread`: how the reading ended, after all that were handed over. */
  failure(unread: LineFailure | null): StreamFailure | null {
    const failure = this.#failed ?? unread;
    if (failure === null) return null;
    return { ...failure, enqueuedBefore: this.#before, enqueuedAfter: this.#after };
  }

  count({ line, state, enqueued, error }: CountedLine): void {
    if (!enqueued && (state === 'left' || isUnknown(error))) this.#unsure++;
    if (state === 'failed' && this.#failed === null) {
      this.#failed = { line, error, enqueued };
    } else if (enqueued) {
      if (this.#failed === null) this.#before++;
      else this.#after++;
    }
  }
}

const isUnknown = (error: unknown): boolean =>
  error instanceof BrokerError && error.disposition === 'unknown';
