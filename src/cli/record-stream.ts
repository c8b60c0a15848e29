import { type Output, safeJson, yamlDocument } from './output.ts';

/**
 * Prints records one by one, in whatever format: a line of JSON each (table, wide, ndjson), one JSON array, or YAML
 * documents. Nothing is held back, so their number does not matter.
 */
export class RecordStream {
  readonly #output: Output;
  #count = 0;
  #length = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Characters printed so far. */
  get length(): number {
    return this.#length;
  }

  /** `line`: what is printed instead of JSON where the format is for people. */
  async write(record: object, line?: string): Promise<void> {
    const first = this.#count === 0;
    this.#count++;
    const text = await this.#format(record, line, first);
    this.#length += text.length;
    await this.#output.data(text);
  }

  /** Closes the array; also when there was no record, so that the output is always whole. */
  async end(): Promise<void> {
    if (this.#output.format === 'json') await this.#output.data(this.#count === 0 ? '[]\n' : '\n]\n');
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
