import type { Machine } from './machine.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  /** Who must be alive and awake for it; null: the world itself. */
  readonly machine: Machine | null;
  readonly kind: 'timer' | 'input';
  readonly run: () => void | Promise<void>;
  cancelled: boolean;
}

/**
 * True time, in milliseconds, and everything that will happen in it. One thing happens at a time: what it sets off runs
 * until every promise that waits for no time has settled, then the next thing happens. So one seed has one history.
 */
export class Timeline {
  now = 0;
  #order = 0;
  readonly #heap: Entry[] = [];

  at(
    at: number,
    run: () => void | Promise<void>,
    machine: Machine | null = null,
    kind: 'timer' | 'input' = 'input',
  ): { cancel: () => void } {
    const entry: Entry = {
      at: Math.max(at, this.now),
      order: ++this.#order,
      machine,
      kind,
      run,
      cancelled: false,
    };
    this.#push(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  after(ms: number, run: () => void | Promise<void>, machine: Machine | null = null): { cancel: () => void } {
    return this.at(this.now + ms, run, machine);
  }

  /** Lets things happen until `until`, or until `done` says so; true if it did. */
  async run(until: number, done: () => boolean): Promise<boolean> {
    for (;;) {
      if (done()) return true;
      const entry = this.#heap[0];
      if (entry === undefined || entry.at > until) break;
      this.#pop();
      if (entry.cancelled || entry.machine?.state === 'dead') continue;
      this.now = entry.at;
      if (entry.machine?.state === 'stopped') entry.machine.hold(entry);
      else await this.happen(entry);
    }
    this.now = Math.max(this.now, until);
    return done();
  }

  async happen(entry: Pick<Entry, 'run' | 'cancelled'>): Promise<void> {
    if (entry.cancelled) return;
    entry.cancelled = true;
    await entry.run();
    await rested();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let child = heap.push(entry) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!isBefore(entry, heap[parent] as Entry)) break;
      heap[child] = heap[parent] as Entry;
      child = parent;
    }
    heap[child] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Entry;
    if (heap.length === 0) return;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[parent] = heap[child] as Entry;
      parent = child;
    }
    heap[parent] = last;
  }
}

export type Happening = Entry;

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** One turn of the event loop: every promise that waits for no time and no I/O has settled after it. */
const rested = () => new Promise<void>((resolve) => setImmediate(resolve));
