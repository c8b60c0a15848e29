import { close, closeSync, constants, fstatSync, open, openSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { ForkloopError } from '../lib/errors.ts';
import type { LogTarget } from './log-sink.ts';

/** The owner writes, the group reads; the umask may allow less. */
const MODE = 0o640;
/** NONBLOCK: to open a pipe without a reader would wait for one. */
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** Texts that are written together, and who hears how it went. */
interface Waiting {
  readonly bytes: Buffer;
  readonly done: (written: boolean) => void;
}

/**
 * A file that lines are appended to, one write at a time, off the main thread: a slow disk delays nobody. What a full disk
 * does not take is lost, and writing goes on as soon as there is room.
 */
export class LogFile implements LogTarget {
  /** Null: it was opened by somebody else, and cannot be opened again. */
  readonly path: string | null;
  open = true;
  #file: number;
  /** Files that were replaced while a write to them was under way. */
  #left: number[] = [];
  #queue: Waiting[] = [];
  #backlog = 0;
  #writing = false;
  /** The file ends within a line. */
  #torn = false;
  #flushed: (() => void)[] = [];
  readonly #onTrouble: (error: Error) => void;
  #inTrouble = false;

  private constructor(path: string | null, file: number, onTrouble: (error: Error) => void) {
    this.path = path;
    this.#file = file;
    this.#onTrouble = onTrouble;
  }

  /**
   * Makes it when it is not there. `onTrouble` is called when writing begins to fail, and again only after it has worked.
   * @throws ForkloopError ERR_LOG_FILE
   */
  static at(path: string, onTrouble: (error: Error) => void): LogFile {
    return new LogFile(path, openLogFile(path), onTrouble);
  }

  /** A file that this process was started with, such as stderr. */
  static inherited(file: number, onTrouble: (error: Error) => void): LogFile {
    return new LogFile(null, file, onTrouble);
  }

  get backlog(): number {
    return this.#backlog;
  }

  write(text: string, done: (written: boolean) => void): void {
    const bytes = Buffer.from(text);
    if (!this.open) {
      done(false);
      return;
    }
    this.#queue.push({ bytes, done });
    this.#backlog += bytes.length;
    this.#next();
  }

  /**
   * What comes from now on goes to the file that has the path then, which is made when there is none; nothing is lost. When
   * that fails, the old one stays.
   * @throws ForkloopError ERR_LOG_FILE
   */
  async reopen(): Promise<void> {
    const { path } = this;
    if (path === null) return;
    const file = await promisify(open)(path, FLAGS, MODE)
      .then(checked)
      .catch((error: Error) => {
        throw unusable(path, error);
      });
    this.#left.push(this.#file);
    this.#file = file;
    this.#torn = false;
    if (!this.#writing) this.#closeLeft();
  }

  /** Resolves when all that was given so far is written or lost. */
  flush(): Promise<void> {
    if (!this.#writing) return Promise.resolve();
    return new Promise((resolve) => this.#flushed.push(resolve));
  }

  /** Writes what waits, then takes nothing more. A file that somebody else opened stays open: more may be said there. */
  async close(): Promise<void> {
    await this.flush();
    this.open = false;
    if (this.path === null) return;
    this.#left.push(this.#file);
    this.#closeLeft();
  }

  /** At the end of the process, when nothing asynchronous runs any more. */
  flushNow(): void {
    const rest = Buffer.concat(this.#queue.map(({ bytes }) => bytes));
    this.#queue = [];
    try {
      if (rest.length > 0 && this.open) writeSync(this.#file, rest);
    } catch {
      // There is nobody left to tell.
    }
  }

  #next(): void {
    if (this.#writing || this.#queue.length === 0) return;
    const batch = this.#queue;
    this.#queue = [];
    this.#writing = true;
    const texts = batch.map(({ bytes }) => bytes);
    const mend = this.#torn ? '\n' : '';
    this.#writeFrom(this.#file, Buffer.concat([Buffer.from(mend), ...texts]), 0, (written, error) => {
      this.#settle(batch, written - mend.length, error);
    });
  }

  /** Calls back with how many bytes were written: all, when there is no error. */
  #writeFrom(
    file: number,
    bytes: Buffer,
    from: number,
    done: (written: number, error: Error | null) => void,
  ): void {
    write(file, bytes, from, bytes.length - from, null, (error, count) => {
      if (error !== null) done(from, error);
      else if (from + count >= bytes.length) done(bytes.length, null);
      else this.#writeFrom(file, bytes, from + count, done);
    });
  }

  #settle(batch: readonly Waiting[], written: number, error: Error | null): void {
    let end = 0;
    let torn = written < 0 && this.#torn;
    for (const { bytes, done } of batch) {
      if (written > end && written < end + bytes.length) torn = true;
      end += bytes.length;
      this.#backlog -= bytes.length;
      done(written >= end);
    }
    // A file that took its place meanwhile begins with a whole line.
    this.#torn = torn && this.#left.length === 0;
    this.#writing = false;
    this.#closeLeft();
    if (error !== null && !this.#inTrouble) this.#onTrouble(error);
    this.#inTrouble = error !== null;
    this.#next();
    if (this.#writing) return;
    for (const flushed of this.#flushed.splice(0)) flushed();
  }

  #closeLeft(): void {
    for (const file of this.#left.splice(0)) close(file, () => {});
  }
}

/** The descriptor of a file to append to, made when it is not there. @throws ForkloopError ERR_LOG_FILE */
export function openLogFile(path: string): number {
  try {
    return checked(openSync(path, FLAGS, MODE));
  } catch (error) {
    throw unusable(path, error as Error);
  }
}

/** A pipe or a device would keep the writer waiting, or nothing at all. */
function checked(file: number): number {
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new Error('it is no regular file');
}

const unusable = (path: string, cause: Error): ForkloopError =>
  new ForkloopError(
    'ERR_LOG_FILE',
    `the log file ${path} cannot be opened: ${cause.message}; see log.file of the configuration, or --log-file`,
    { cause },
  );
