import { Writable } from 'node:stream';
import type { Stream } from '../../src/cli/output.ts';

/** A stream that keeps what was written, and may pretend to be a terminal. */
export class CapturedStream extends Writable implements Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  text = '';

  constructor(terminal?: { columns: number }) {
    super({ decodeStrings: false });
    if (terminal === undefined) return;
    this.isTTY = true;
    this.columns = terminal.columns;
  }

  override _write(chunk: string | Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  /** What a terminal would show at the end: carriage returns and erased lines are applied. */
  get screen(): string {
    return this.text
      .split('\n')
      .map((line) => line.split('\r').at(-1)?.replaceAll('\x1b[K', '') ?? '')
      .join('\n');
  }
}
