import { isoTime } from '../lib/clock.ts';
import { type LogFilter, lineText, parseLine, passes } from './log-line.ts';
import { type Output, safeJson, yamlDocument } from './output.ts';

/** Prints lines of a log file: for people as text, for programs as they stand there. */
export class LogPrinter {
  /** Whether a line was no record. */
  unreadable = false;
  readonly #output: Output;
  readonly #filter: LogFilter;
  #day = '';

  constructor(output: Output, filter: LogFilter) {
    this.#output = output;
    this.#filter = filter;
  }

  readonly wants = (line: string): boolean => {
    if (line === '') return false;
    const record = parseLine(line);
    this.unreadable ||= record === null;
    return passes(record, this.#filter);
  };

  async print(line: string): Promise<void> {
    const { format, stdoutIsTerminal } = this.#output;
    if (format === 'wide' || (format === 'table' && stdoutIsTerminal)) return this.#text(line);
    if (format === 'table') return this.#output.data(`${line}\n`);
    const record: unknown = parseLine(line) === null ? { msg: line } : JSON.parse(line);
    if (format === 'yaml') return this.#output.data(`---\n${await yamlDocument(record)}`);
    return this.#output.data(`${safeJson(record)}\n`);
  }

  /** A line for each new day: the records themselves tell the time only. */
  async #text(line: string): Promise<void> {
    const { format, colors } = this.#output;
    const record = parseLine(line);
    const wide = format === 'wide';
    const day = record === null ? this.#day : isoTime(record.time).slice(0, 10);
    if (day !== this.#day && !wide) await this.#output.data(`${colors.dim(`${day} UTC`)}\n`);
    this.#day = day;
    await this.#output.data(`${lineText(line, record, colors.isColorSupported, wide)}\n`);
  }
}
