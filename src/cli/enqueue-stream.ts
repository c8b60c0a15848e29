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
 * A line that cannot be enqueued ends the run: the lines before it are enqueued, none after it is, and the error says
 * where it was and how many jobs there are.
 */

import type { JobHandle } from '../client/client.ts';
import { type Ending, endingOf } from './ending.ts';
import type { InputLine } from './enqueue-source.ts';

export const OUTSTANDING_LINES = 4_096;
export const OUTSTANDING_BYTES = 32 * 1024 * 1024;
const AHEAD = { least: 16, most: 256, bytes: 32 * 1024 * 1024 };

export interface EnqueueStreamOptions {
  readonly lines: AsyncIterable<InputLine>;
  /** Decodes and checks a line. Called in order, one at a time; a rejection ends the run. */
  readonly check: (line: InputLine) => Promise<unknown>;
  readonly enqueue: (input: unknown) => Promise<JobHandle>;
  readonly wait: boolean;
  /** Prints one job; answers the bytes it printed. */
  readonly print: (handle: JobHandle, ending: Ending | null) => Promise<number>;
  readonly progress: (totals: StreamTotals) => void;
}

export interface StreamTotals {
  readonly enqueued: number;
  readonly printed: number;
  readonly printedBytes: number;
  /** Ended, but not completed. */
  readonly notCompleted: number;
  readonly pending: number;
  /** `giveUp` came before the end. */
  readonly gaveUp: boolean;
  /** The whole input has been read. */
  readonly allRead: boolean;
  /** The first line that could not be enqueued, or whose end cannot be told. */
  readonly failure: { readonly line: number | null; readonly error: unknown } | null;
}

interface Entry {
  readonly line: InputLine;
  readonly handle: Promise<JobHandle | null>;
  /** Set when it is stored. */
  stored: JobHandle | null;
  /** Null until somebody waits for it. */
  ending: Promise<Ending | null> | null;
  ended: Ending | null;
}

export class EnqueueStream {
  readonly #options: EnqueueStreamOptions;
  #state: 'reading' | 'read' | 'stopped' = 'reading';
  #entries: Entry[] = [];
  #entryBytes = 0;
  #ahead = AHEAD.least;
  #largest = 1;
  #totals = { enqueued: 0, printed: 0, printedBytes: 0, notCompleted: 0, pending: 0 };
  #failure: StreamTotals['failure'] = null;
  #patience: 'left' | 'over' = 'left';
  /** Wakes whoever waits for a change of the above. */
  #wakes: (() => void)[] = [];

  constructor(options: EnqueueStreamOptions) {
    this.#options = options;
  }

  get totals(): StreamTotals {
    return {
      ...this.#totals,
      gaveUp: this.#patience === 'over',
      allRead: this.#state === 'read',
      failure: this.#failure,
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
      this.#fail(at, error);
    }
    this.#changed();
  }

  /** One line alone always fits. */
  #isFull(line: InputLine): boolean {
    if (this.#entries.length === 0) return false;
    return this.#entries.length >= OUTSTANDING_LINES || this.#entryBytes + line.bytes > OUTSTANDING_BYTES;
  }

  #append(line: InputLine, input: unknown): void {
    const stored = this.#options.enqueue(input).then(
      (handle) => {
        entry.stored = handle;
        this.#totals.enqueued++;
        return handle;
      },
      (error: unknown) => {
        this.#fail(line.number, error);
        return null;
      },
    );
    const entry: Entry = { line, handle: stored, stored: null, ending: null, ended: null };
    this.#entries.push(entry);
    this.#entryBytes += line.bytes;
    this.#changed();
  }

  async #printAll(): Promise<void> {
    for (;;) {
      const entry = this.#entries[0];
      if (entry !== undefined) await this.#printOne(entry);
      else if (this.#state === 'reading') await this.#change();
      else return;
    }
  }

  async #printOne(entry: Entry): Promise<void> {
    if (this.#options.wait) this.#fetchAhead();
    await this.#unlessLate(this.#options.wait ? entry.ending : entry.handle);
    this.#entries.shift();
    this.#entryBytes -= entry.line.bytes;
    if (entry.stored !== null) await this.#print(entry.stored, entry);
    this.#changed();
  }

  async #print(handle: JobHandle, { ended, line }: Entry): Promise<void> {
    const failed = this.#options.wait && ended === null && this.#patience === 'left';
    const ending = this.#options.wait ? (ended ?? { status: 'pending' as const }) : null;
    const bytes = await this.#options.print(handle, ending);
    this.#largest = Math.max(this.#largest, bytes);
    this.#ahead = Math.min(AHEAD.most, Math.max(AHEAD.least, Math.floor(AHEAD.bytes / this.#largest)));
    this.#totals.printed++;
    this.#totals.printedBytes += line.bytes;
    if (ending?.status === 'pending' && !failed) this.#totals.pending++;
    else if (ending !== null && ending.status !== 'completed') this.#totals.notCompleted++;
    this.#options.progress(this.totals);
  }

  #fetchAhead(): void {
    for (let at = 0; at < this.#ahead && at < this.#entries.length; at++) {
      const entry = this.#entries[at] as Entry;
      entry.ending ??= this.#fetch(entry);
    }
  }

  async #fetch(entry: Entry): Promise<Ending | null> {
    const handle = await entry.handle;
    if (handle === null) return null;
    try {
      entry.ended = await endingOf(handle);
    } catch (error) {
      this.#fail(entry.line.number, error);
    }
    return entry.ended;
  }

  /** The first failure is the one that is told; it ends the reading. */
  #fail(line: number | null, error: unknown): void {
    this.#failure ??= { line, error };
    this.#stop();
  }

  #stop(): void {
    this.#state = this.#state === 'read' ? 'read' : 'stopped';
    this.#changed();
  }

  /** Waits for the promise, or until we give up. */
  async #unlessLate(promise: Promise<unknown> | null): Promise<void> {
    if (this.#patience === 'over' || promise === null) return;
    let settled = false;
    void promise.then(() => {
      settled = true;
      this.#changed();
    });
    while (!settled && this.#patience === 'left') await this.#change();
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
