/**
 * Enqueues one job per line of input and prints one line per job, in the order of the input, in bounded memory.
 *
 * Two loops share a queue of entries. The reader checks a line, hands it to the client and appends an entry; the printer
 * takes the oldest entry, waits for its id (and its end), prints it and makes room. The client gathers what is handed to
 * it while a batch is under way, so batches grow with the load.
 *
 * Bounds. The reader stops while OUTSTANDING_LINES entries, or OUTSTANDING_BYTES of input, are not printed: enough to
 * keep every worker of a large daemon busy behind one slow job, small enough for this process and for the broker, which
 * holds the same jobs. A result is fetched only when at most AHEAD lines are to be printed before it, fewer when
 * results are large: results that came early wait in memory, all others stay in the broker.
 *
 * A bad line ends the run: the lines before it are enqueued, none after it is. A line that the broker does not take ends
 * the reading; those that were handed over with it may be stored all the same, so what became of each is counted, in the
 * order of the input: the printer takes an entry when that is known, or when patience is over.
 */

import type { JobHandle } from '../client/client.ts';
import { type Ending, endingOf } from './ending.ts';
import type { InputLine } from './enqueue-source.ts';
import { type LineFailure, LineTally, type StreamFailure } from './line-tally.ts';

export const OUTSTANDING_LINES = 4_096;
export const OUTSTANDING_BYTES = 16 * 1024 * 1024;
const AHEAD = { least: 16, most: 256, bytes: 16 * 1024 * 1024 };

export interface EnqueueStreamOptions {
  readonly lines: AsyncIterable<InputLine>;
  /** Decodes and checks a line. Called in order, one at a time; a rejection ends the run. */
  readonly check: (line: InputLine) => Promise<unknown>;
  readonly enqueue: (input: unknown) => Promise<JobHandle>;
  readonly wait: boolean;
  /** Prints one job, or keeps it for the next `flush`; answers how many characters it takes. */
  readonly print: (handle: JobHandle, ending: Ending | null) => Promise<number>;
  /** Called before waiting: what is kept must be printed now. */
  readonly flush: () => Promise<void>;
  /** Called with each job that was printed. `totals` costs something: look at it only to show it. */
  readonly progress: () => void;
}

export interface StreamTotals {
  readonly enqueued: number;
  readonly printed: number;
  readonly printedBytes: number;
  /** Ended, but not completed. */
  readonly notCompleted: number;
  readonly pending: number;
  /** Nobody can tell whether these lines are enqueued: the broker's answer was lost, or had not come at `giveUp`. */
  readonly unsure: number;
  /** `giveUp` came before the end. */
  readonly gaveUp: boolean;
  /** The whole input has been read. */
  readonly allRead: boolean;
  readonly failure: StreamFailure | null;
}

/**
 * `sent -> stored -> ended`, or `failed`; `left` when patience was over while it was sent. Waiting for the end begins when
 * it is `asked` for.
 */
interface Entry {
  readonly line: InputLine;
  state: 'sent' | 'stored' | 'ended' | 'failed' | 'left';
  asked: boolean;
  handle: JobHandle | null;
  ending: Ending | null;
  /** Why it failed. */
  error: unknown;
}

export class EnqueueStream {
  readonly #options: EnqueueStreamOptions;
  #state: 'reading' | 'read' | 'stopped' = 'reading';
  #entries: Entry[] = [];
  #entryBytes = 0;
  #ahead = AHEAD.least;
  /** How many of the entries, from the first, have been asked for their end. */
  #asked = 0;
  #largest = 1;
  #totals = { enqueued: 0, printed: 0, printedBytes: 0, notCompleted: 0, pending: 0 };
  /** Of the line at which the reading ended: it comes after all that were handed over. */
  #unread: LineFailure | null = null;
  readonly #tally = new LineTally();
  #patience: 'left' | 'over' = 'left';
  /** Wakes whoever waits for a change of the above. */
  #wakes: (() => void)[] = [];

  constructor(options: EnqueueStreamOptions) {
    this.#options = options;
  }

  get totals(): StreamTotals {
    return {
      ...this.#totals,
      unsure: this.#tally.unsure,
      gaveUp: this.#patience === 'over',
      allRead: this.#state === 'read',
      failure: this.#tally.failure(this.#unread),
    };
  }

  /** Resolves when every job that was enqueued is printed. Never rejects: what went wrong is in the totals. */
  async run(): Promise<StreamTotals> {
    void this.#read();
    await this.#printAll();
    return this.totals;
  }

  /** From here on nothing is read or waited for: what has not ended is printed as pending. */
  giveUp(): void {
    this.#patience = 'over';
    this.#stop();
  }

  async #read(): Promise<void> {
    let at: number | null = null;
    try {
      for await (const line of this.#options.lines) {
        at = line.number;
        const input = await this.#options.check(line);
        while (this.#state === 'reading' && this.#isFull(line)) await this.#change();
        if (this.#state !== 'reading') return;
        this.#append(line, input);
      }
      if (this.#state === 'reading') this.#state = 'read';
    } catch (error) {
      this.#unread = { line: at, error, enqueued: false };
      this.#stop();
    }
    this.#changed();
  }

  /** One line alone always fits. */
  #isFull(line: InputLine): boolean {
    if (this.#entries.length === 0) return false;
    return this.#entries.length >= OUTSTANDING_LINES || this.#entryBytes + line.bytes > OUTSTANDING_BYTES;
  }

  #append(line: InputLine, input: unknown): void {
    const entry: Entry = { line, state: 'sent', asked: false, handle: null, ending: null, error: null };
    this.#entries.push(entry);
    this.#entryBytes += line.bytes;
    void this.#send(entry, input);
  }

  async #send(entry: Entry, input: unknown): Promise<void> {
    try {
      const handle = await this.#options.enqueue(input);
      if (entry.state === 'left') return;
      entry.handle = handle;
      entry.state = 'stored';
      this.#totals.enqueued++;
      if (entry.asked) void this.#fetch(entry, handle);
    } catch (error) {
      if (entry.state === 'left') return;
      this.#fail(entry, error);
    }
    this.#changed();
  }

  /** Waits for the end of a stored job. */
  async #fetch(entry: Entry, handle: JobHandle): Promise<void> {
    try {
      entry.ending = await endingOf(handle);
      entry.state = 'ended';
    } catch (error) {
      this.#fail(entry, error);
    }
    this.#changed();
  }

  async #printAll(): Promise<void> {
    for (;;) {
      if (this.#options.wait) this.#fetchAhead();
      const next = this.#next();
      if (next === 'end') return this.#options.flush();
      if (next !== 'wait') await this.#printOne(next);
      else {
        await this.#options.flush();
        if (this.#next() === 'wait') await this.#change();
      }
    }
  }

  /** The entry whose turn it is, if there is nothing to wait for first. */
  #next(): Entry | 'wait' | 'end' {
    const entry = this.#entries[0];
    if (entry === undefined) return this.#state === 'reading' ? 'wait' : 'end';
    const due = entry.state === 'failed' || entry.state === (this.#options.wait ? 'ended' : 'stored');
    return due || this.#patience === 'over' ? entry : 'wait';
  }

  #fetchAhead(): void {
    while (this.#asked < this.#ahead && this.#asked < this.#entries.length) {
      const entry = this.#entries[this.#asked++] as Entry;
      entry.asked = true;
      if (entry.handle !== null) void this.#fetch(entry, entry.handle);
    }
  }

  async #printOne(entry: Entry): Promise<void> {
    this.#entries.shift();
    this.#entryBytes -= entry.line.bytes;
    this.#asked = Math.max(0, this.#asked - 1);
    if (entry.state === 'sent') entry.state = 'left';
    this.#tally.count({ ...entry, line: entry.line.number, enqueued: entry.handle !== null });
    if (entry.handle !== null) await this.#print(entry, entry.handle);
    this.#changed();
  }

  async #print({ state, line, ending }: Entry, handle: JobHandle): Promise<void> {
    const told: Ending | null = this.#options.wait ? (ending ?? { status: 'pending' }) : null;
    const length = await this.#options.print(handle, told);
    this.#largest = Math.max(this.#largest, length);
    this.#ahead = Math.min(AHEAD.most, Math.max(AHEAD.least, Math.floor(AHEAD.bytes / this.#largest)));
    this.#totals.printed++;
    this.#totals.printedBytes += line.bytes;
    if (told?.status === 'pending' && state !== 'failed') this.#totals.pending++;
    else if (told !== null && told.status !== 'completed') this.#totals.notCompleted++;
    this.#options.progress();
  }

  /** It ends the reading. */
  #fail(entry: Entry, error: unknown): void {
    entry.state = 'failed';
    entry.error = error;
    this.#stop();
  }

  #stop(): void {
    this.#state = this.#state === 'read' ? 'read' : 'stopped';
    this.#changed();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#wakes.push(resolve));
  }

  #changed(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}
