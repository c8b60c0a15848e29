/** What waits in the process for a slow reader or disk; beyond it records are dropped. */
const BACKLOG_LIMIT_BYTES = 1024 * 1024;

/** Where lines end up. Takes whatever it is given, in order, and never throws. */
export interface LogTarget {
  /** Bytes that wait to be written. */
  readonly backlog: number;
  /** False when nothing will be written any more. */
  readonly open: boolean;
  /** `done` is called once: whether all of the text was written. */
  write(text: string, done: (written: boolean) => void): void;
}

/**
 * Writes lines to a target that may be slow, full or gone. Never throws and never waits: lines that cannot be taken are
 * dropped and counted, and the first line that can be written again tells how many.
 */
export class LogSink {
  readonly #target: LogTarget;
  #dropped = 0;
  #untold = 0;

  constructor(target: LogTarget) {
    this.#target = target;
  }

  /** Lines that were not written since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `lost` makes the line that tells how many were dropped before this one. */
  write(line: string, lost: (count: number) => string): void {
    if (!this.#target.open || this.#target.backlog >= BACKLOG_LIMIT_BYTES) {
      this.#dropped++;
      this.#untold++;
      return;
    }
    const told = this.#untold;
    this.#untold = 0;
    const gap = told === 0 ? '' : `${lost(told)}\n`;
    this.#target.write(`${gap}${line}\n`, (written) => {
      if (written) return;
      this.#dropped++;
      this.#untold += told + 1;
    });
  }
}

/** stderr, or any stream. The first error closes it for good. */
export class StreamTarget implements LogTarget {
  readonly #stream: NodeJS.WritableStream;
  #failed = false;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    // Without a listener EPIPE would end the process.
    stream.on('error', () => {
      this.#failed = true;
    });
  }

  get backlog(): number {
    return (this.#stream as { writableLength?: number }).writableLength ?? 0;
  }

  get open(): boolean {
    return !this.#failed && this.#stream.writable;
  }

  write(text: string, done: (written: boolean) => void): void {
    this.#stream.write(text, (error) => done(error === undefined || error === null));
  }
}
