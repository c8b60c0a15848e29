/** What waits in the process for a slow reader; beyond it records are dropped. */
const BACKLOG_LIMIT_BYTES = 1024 * 1024;

/**
 * Writes lines to a stream that may be slow, closed or broken. Never throws and never waits: lines that cannot be taken
 * are dropped and counted.
 *
 * `open` (lines are written, or dropped while the backlog is full) → `closed` at the first error of the stream: for good.
 */
export class LogSink {
  readonly #stream: NodeJS.WritableStream;
  #state: 'open' | 'closed' = 'open';
  #dropped = 0;
  #untold = 0;

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
    // Without a listener EPIPE would end the process.
    stream.on('error', () => {
      this.#state = 'closed';
    });
  }

  /** Lines that were not written since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** `lost` makes the line that tells how many were dropped before this one. */
  write(line: string, lost: (count: number) => string): void {
    if (!this.#hasRoom()) {
      this.#dropped++;
      this.#untold++;
      return;
    }
    const gap = this.#untold === 0 ? '' : `${lost(this.#untold)}\n`;
    this.#untold = 0;
    this.#stream.write(`${gap}${line}\n`);
  }

  #hasRoom(): boolean {
    const backlog = (this.#stream as { writableLength?: number }).writableLength ?? 0;
    return this.#state === 'open' && this.#stream.writable && backlog < BACKLOG_LIMIT_BYTES;
  }
}
