import type { Writable } from 'node:stream';
import pc from 'picocolors';
import { printableJson } from '../lib/printable.ts';
import { cleanLines, wrapText } from './table.ts';

export const FORMATS = ['table', 'wide', 'json', 'ndjson', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** A stream that may be a terminal. */
export type Stream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface OutputOptions {
  readonly stdout: Stream;
  readonly stderr: Stream;
  readonly format: Format;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** `--no-color` is false; undefined: environment and terminal decide. */
  readonly color: boolean | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Something drawn on the terminal that must make room for other lines. */
export interface Overlay {
  erase(): void;
  draw(): void;
}

export type Colors = ReturnType<typeof pc.createColors>;

/**
 * Where everything that is printed goes: data to stdout in the wanted format, messages to stderr. Nothing else writes to
 * either, so a message never lands inside data, nor inside a progress bar.
 */
export class Output {
  readonly format: Format;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** For what goes to stdout. */
  readonly colors: Colors;
  /** Columns of stdout; Infinity where it is no terminal: nothing is cut then. */
  readonly width: number;
  /** Whether messages are seen by a person at once. */
  readonly stderrIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  readonly stderr: Stream;
  readonly errorColors: Colors;
  readonly #stdout: Stream;
  #overlay: Overlay | null = null;

  constructor({ stdout, stderr, format, quiet, verbose, color, env }: OutputOptions) {
    this.format = format;
    this.quiet = quiet;
    this.verbose = verbose;
    this.#stdout = stdout;
    this.stderr = stderr;
    this.stdoutIsTerminal = stdout.isTTY === true;
    this.stderrIsTerminal = stderr.isTTY === true && env['TERM'] !== 'dumb';
    this.width = this.stdoutIsTerminal ? terminalWidth(stdout) : Number.POSITIVE_INFINITY;
    this.colors = pc.createColors(wantsColor(color, env, stdout.isTTY === true));
    this.errorColors = pc.createColors(wantsColor(color, env, stderr.isTTY === true));
  }

  /** Whether data is read by a person, not by a program. */
  get forPeople(): boolean {
    return this.format === 'table' || this.format === 'wide';
  }

  /** One report. `table` is asked only for the formats for people; ndjson prints `items` (default: the report) by line. */
  async report(report: object, table: () => string, items: readonly unknown[] = [report]): Promise<void> {
    if (this.forPeople) return this.data(`${table()}\n`);
    if (this.format === 'json') return this.data(`${safeJson(report, 2)}\n`);
    if (this.format === 'ndjson') return this.data(items.map((item) => `${safeJson(item)}\n`).join(''));
    return this.data(await yamlDocument(report));
  }

  /** Text for stdout as it is. Resolves when more can be taken: a slow reader slows us down, memory does not grow. */
  data(text: string): Promise<void> {
    if (this.stdoutIsTerminal) this.#overlay?.erase();
    const more = this.#stdout.write(text);
    if (this.stdoutIsTerminal) this.#overlay?.draw();
    return more || this.#stdout.destroyed
      ? Promise.resolve()
      : new Promise((resolve) => this.#stdout.once('drain', resolve));
  }

  /** For a person; not with `--quiet`. */
  message(text: string): void {
    if (!this.quiet) this.#say(this.#wrapped(text));
  }

  /** The same for a text that brings its own form and colours. */
  messageAsIs(text: string): void {
    if (!this.quiet) this.#say(text);
  }

  /** Only with `--verbose`. */
  detail(text: string): void {
    if (this.verbose) this.#say(this.errorColors.dim(cleanLines(text)));
  }

  warning(text: string): void {
    this.#complain('warning:', this.errorColors.yellow, text);
  }

  error(text: string): void {
    this.#complain('error:', this.errorColors.red, text);
  }

  /** Text for stderr that brings its own form, such as a report of problems. */
  errorText(text: string): void {
    this.#say(cleanLines(text).trimEnd());
  }

  /** Lines printed from here on go above it. Null: nothing is drawn any more. */
  setOverlay(overlay: Overlay | null): void {
    this.#overlay?.erase();
    this.#overlay = overlay;
    overlay?.draw();
  }

  #complain(word: string, paint: (text: string) => string, text: string): void {
    const lines = this.#wrapped(`${word} ${cleanLines(text)}`);
    this.#say(paint(word) + lines.slice(word.length));
  }

  /** For a terminal: a pipe gets each message as one line. */
  #wrapped(text: string): string {
    return this.stderr.isTTY === true ? wrapText(text, terminalWidth(this.stderr)).join('\n') : text;
  }

  #say(text: string): void {
    this.#overlay?.erase();
    this.stderr.write(`${text}\n`);
    this.#overlay?.draw();
  }
}

/** A terminal that does not tell its width, or tells 0, is taken for one of 80 columns. */
export const terminalWidth = ({ columns = 0 }: Stream): number => (columns > 0 ? columns : 80);

/** `--no-color`, then NO_COLOR, then FORCE_COLOR, then what the stream is. */
export function wantsColor(
  flag: boolean | undefined,
  env: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (flag === false) return false;
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isTerminal && env['TERM'] !== 'dumb';
}

/** JSON that is safe on a terminal: the control characters that JSON leaves alone are escaped too. */
export function safeJson(value: unknown, indent?: number): string {
  return printableJson(JSON.stringify(value, null, indent) ?? 'null');
}

/** One value as a YAML document that ends with a line break. */
export async function yamlDocument(value: unknown): Promise<string> {
  const { stringify } = await import('../config/yaml.ts');
  return stringify(value, { lineWidth: 0 });
}
