import { type Output, safeJson, yamlDocument } from './output.ts';

/** Characters that are kept before they are written: one write for many short records. */
const KEPT = 64 * 1024;

/**
 * Prints records one by one, in whatever format: a line of JSON each (table, wide, ndjson), one JSON array, or YAML
 * documents. Little is held back, so their number does not matter.
 */
export class RecordStream {
  readonly #output: Output;
  #count = 0;
  #kept = '';

  constructor(output: Output) {
    this.#output = output;
  }

  /**
   * Printed at the next `flush` at the latest. Answers how many characters it takes. `line`: what is printed instead of
   * JSON where the format is for people.
   */
  async write(record: object, line?: string): Promise<number> {
    const text = await this.#format(record, line, this.#count === 0);
    this.#count++;
    this.#kept += text;
    if (this.#kept.length >= KEPT) await this.flush();
    return text.length;
  }

  /** Resolves when the reader of the output takes more. */
  async flush(): Promise<void> {
    const text = this.#kept;
    this.#kept = '';
    if (text !== '') await this.#output.data(text);
  }

  /** Closes the array; also when there was no record, so that the output is always whole. */
  async end(): Promise<void> {
    if (this.#output.format === 'json') this.#kept += this.#count === 0 ? '[]\n' : '\n]\n';
    await this.flush();
  }

  /**
   * Runs `work`, which writes, and ends. When it fails, what was written is printed and made whole before; nothing where
   * nothing was written.
   */
  async during(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#count > 0) await this.end();
      throw error;
    }
    await this.end();
  }

  async #format(record: object, line: string | undefined, first: boolean): Promise<string> {
    switch (this.#output.format) {
      case 'json':
        return `${first ? '[' : ','}\n${safeJson(record)}`;
      case 'yaml':
        return `---\n${await yamlDocument(record)}`;
      case 'ndjson':
        return `${safeJson(record)}\n`;
      case 'table':
      case 'wide':
        return `${line ?? safeJson(record)}\n`;
    }
  }
}
