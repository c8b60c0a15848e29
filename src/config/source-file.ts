import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { relative } from 'node:path';
import { type Environment, interpolateDocument } from './environment.ts';
import type { Finding } from './findings.ts';
import { gate, SIZE_LIMIT } from './gate.ts';
import { locate, positionAt, writtenAt } from './locate.ts';
import { type ParsedFile, parse, toData } from './parse.ts';
import { ConfigError, type ConfigPath, formatPath, type Position, type Problem } from './problem.ts';
import { formatReport } from './report.ts';
import { maskPasswords } from './secrets.ts';

/** A configuration file: its data, and everything that was found wrong with it, in the order of the lines. */
export class SourceFile {
  readonly path: string;
  /** As people name it: relative where it is below the working directory. */
  readonly #name: string;
  #text = '';
  #parsed: ParsedFile | null = null;
  readonly #problems: Problem[] = [];
  readonly #places = new Set<string>();

  /** The path is absolute. */
  constructor(path: string) {
    this.path = path;
    const near = relative(process.cwd(), path);
    this.#name = near === '' || near.startsWith('..') ? path : near;
  }

  /**
   * The file as data, variables replaced.
   * @throws ConfigError when there is nothing to check: unreadable, refused by the gate, no YAML.
   */
  read(env: Environment): unknown {
    const reply = gate(this.#bytes());
    this.#text = reply.text;
    if (!reply.passed) throw this.#failure(reply.message, this.#positionOf(reply.offset));
    const { problems, ...parsed } = parse(reply.text);
    this.#parsed = parsed;
    for (const { message, start, end } of problems) {
      this.#record('error', [], message, positionAt(parsed.lines, start, end));
    }
    if (this.hasErrors) throw this.error();
    interpolateDocument(parsed.document, env, (path, message) => {
      this.#record('error', path, message, locate(parsed, path));
    });
    const result = toData(parsed);
    if ('message' in result) throw this.#failure(result.message, null);
    if (result.data === null) throw this.#failure('the file is empty', null);
    return result.data;
  }

  /** What stands there in a file that could not be read to its end; undefined where nothing is to be found. */
  glimpse(path: ConfigPath): unknown {
    const found = this.#parsed?.document.getIn(path);
    if (found !== undefined) return found;
    // A mistake before it may have swallowed it: its own lines, read alone.
    const lines = new RegExp(`^${String(path[0])}:.*(?:\\n[ \\t].*)*`, 'm').exec(this.#text)?.[0];
    return lines === undefined ? undefined : parse(lines).document.getIn(path);
  }

  add(findings: readonly Finding[]): void {
    for (const { path, at, severity, message } of findings) {
      const position = this.#parsed === null ? null : locate(this.#parsed, path, at);
      this.#record(severity, path, message, position);
    }
    this.#problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  }

  /** Where a value stands that is in the file. Only after `read`. */
  placeOf(path: ConfigPath): {
    readonly file: string;
    readonly line: number;
    readonly written: string | null;
  } {
    if (this.#parsed === null) return { file: this.#name, line: 1, written: null };
    return {
      file: this.#name,
      line: locate(this.#parsed, path).line,
      written: writtenAt(this.#parsed, path),
    };
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  get hasErrors(): boolean {
    return this.#problems.some(({ severity }) => severity === 'error');
  }

  report(): string {
    return formatReport(this.#problems, this.#text);
  }

  error(): ConfigError {
    return new ConfigError(this.#problems, this.report());
  }

  /** Of several errors about one key the first stays: the later ones are its consequences. */
  #record(severity: Problem['severity'], path: ConfigPath, message: string, position: Position | null): void {
    const { line = null, column = null, width = 0 } = position ?? {};
    const place = `${severity} ${line}:${column} ${formatPath(path)}`;
    if (severity === 'error' && this.#places.has(place)) return;
    this.#places.add(place);
    this.#problems.push({
      file: this.#name,
      line,
      column,
      width,
      path: formatPath(path),
      severity,
      message: maskPasswords(message),
    });
  }

  #failure(message: string, position: Position | null): ConfigError {
    this.#record('error', [], message, position);
    return this.error();
  }

  #positionOf(offset: number | null): Position | null {
    if (offset === null) return null;
    const before = this.#text.slice(0, offset).split('\n');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, width: 1 };
  }

  #bytes(): Uint8Array {
    try {
      return readStart(this.path, SIZE_LIMIT + 1);
    } catch (thrown) {
      throw this.#failure(`cannot be read: ${reasonOf(thrown)}`, null);
    }
  }
}

function reasonOf(thrown: unknown): string {
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EACCES' ? 'this user may not (permission denied)' : message;
}

/** At most so many bytes of a file. Refuses what is none: a pipe or a device may never end. */
function readStart(path: string, limit: number): Uint8Array {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error('it is not a file');
    const bytes = new Uint8Array(limit);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, bytes, length, limit - length, null);
      length += read;
      if (read === 0 || length === limit) return bytes.subarray(0, length);
    }
  } finally {
    closeSync(descriptor);
  }
}
