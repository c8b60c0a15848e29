import { StringDecoder } from 'node:string_decoder';

export const LINE_LIMIT = 8 * 1024;
const LAST_WORDS_LIMIT = 8 * 1024;
const MARK = '\u001e';

type OnLine = (line: string, token: string | null) => void;

/**
 * Cuts what a worker prints into lines of at most 8 KiB and reads the mark of the job that printed them
 * (worker/output.ts). Holds one unfinished line, whatever comes.
 */
export class LineSplitter {
  readonly #onLine: OnLine;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';
  /** Of a line whose beginning has been passed on already. */
  #token: string | null | undefined;
  #lastWords = '';

  constructor(onLine: OnLine) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#pass(line, true);
    while (this.#rest.length > LINE_LIMIT) {
      const piece = this.#rest.slice(0, LINE_LIMIT);
      this.#rest = this.#rest.slice(LINE_LIMIT);
      this.#pass(piece, false);
    }
  }

  /** The stream has ended: what has no line end is a line too. */
  end(): void {
    if (this.#rest !== '') this.#pass(this.#rest, true);
    this.#rest = '';
  }

  /** The last 8 KiB of all lines, without marks. */
  get lastWords(): string {
    return this.#lastWords.slice(-LAST_WORDS_LIMIT).trimEnd();
  }

  #pass(text: string, complete: boolean): void {
    const mark = this.#token === undefined && text.startsWith(MARK) ? text.indexOf(MARK, 1) : -1;
    const token = this.#token === undefined ? (mark > 0 ? text.slice(1, mark) : null) : this.#token;
    this.#token = complete ? undefined : token;
    const line = text.slice(mark + 1).replace(/\r$/, '');
    for (let at = 0; at === 0 || at < line.length; at += LINE_LIMIT) {
      this.#onLine(line.slice(at, at + LINE_LIMIT), token);
    }
    this.#lastWords = (this.#lastWords + line.slice(-LAST_WORDS_LIMIT) + (complete ? '\n' : '')).slice(
      -2 * LAST_WORDS_LIMIT,
    );
  }
}
