import type { Timer } from '../../lib/clock.ts';
import type { Router } from './router.ts';
import { type OnBlocking, until, Waiter, type WaiterOptions } from './waiter.ts';

/** How long reads whose wait has ended are kept for the next one: it comes as soon as the woken queue was asked. */
const KEPT_MS = 50;

export interface WakesOptions extends Omit<WaiterOptions, 'router'> {
  readonly router: Router;
}

/** A blocking read on one key. */
interface Read {
  readonly key: string;
  readonly ending: AbortController;
  /** Once it has ended: whether the key was woken. */
  outcome: 'woken' | 'nothing' | null;
  /** Called at its end. */
  ended: () => void;
  /** When it is ended, if no wait takes it up. */
  keptUntil: number;
}

/**
 * Waits for wake markers wherever they are: one blocking read for all keys of a single server, one for each key in a
 * cluster, where a read cannot span slots. There, those that were not woken stay for the next wait, for a moment: to end
 * and begin all of them at each wake would cost more than the work it announces.
 */
export class Wakes {
  readonly #options: WakesOptions;
  readonly #waiter: Waiter;
  readonly #closing = new AbortController();
  readonly #kept: Read[] = [];
  #timer: Timer | undefined;

  constructor(options: WakesOptions) {
    this.#options = options;
    this.#waiter = new Waiter(options);
  }

  /** As Waiter.wait, on keys of any slots. */
  async wait(keys: readonly string[], signal: AbortSignal, onRead?: OnBlocking): Promise<readonly string[]> {
    const { router } = this.#options;
    if (router.isCluster === null) await until(signal, router.known);
    // One key is of one server in a cluster, too, and no other read ends its wait.
    if (!router.isCluster || onRead !== undefined) return this.#waiter.wait(keys, signal, onRead);
    return this.#waitEach(keys, signal);
  }

  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
    this.#waiter.close();
  }

  async #waitEach(keys: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    if (signal.aborted || this.#closing.signal.aborted) return [];
    const reads = keys.map((key) => this.#takeUp(key) ?? this.#begin(key));
    await firstEnd(reads, signal);
    const woken = reads.filter(({ outcome }) => outcome === 'woken');
    if (signal.aborted) {
      for (const read of reads) this.#end(read);
      return [];
    }
    this.#keep(reads.filter(({ outcome }) => outcome === null));
    return woken.map(({ key }) => key);
  }

  #begin(key: string): Read {
    const ending = new AbortController();
    const read: Read = { key, ending, outcome: null, ended: () => {}, keptUntil: 0 };
    void this.#waiter.wait([key], ending.signal).then(([woken]) => {
      read.outcome = woken === undefined ? 'nothing' : 'woken';
      read.ended();
    });
    return read;
  }

  #takeUp(key: string): Read | undefined {
    const at = this.#kept.findIndex((read) => read.key === key);
    return at < 0 ? undefined : this.#kept.splice(at, 1)[0];
  }

  #keep(reads: readonly Read[]): void {
    const until = this.#options.clock.monotonic() + KEPT_MS;
    for (const read of reads) {
      read.ended = () => {};
      read.keptUntil = until;
    }
    this.#kept.push(...reads);
    this.#timer ??= this.#options.clock.setTimer(KEPT_MS, () => this.#endOld());
  }

  #endOld(): void {
    this.#timer = undefined;
    const now = this.#options.clock.monotonic();
    const old = this.#kept.filter(({ keptUntil }) => keptUntil <= now);
    for (const read of old) {
      this.#kept.splice(this.#kept.indexOf(read), 1);
      this.#end(read);
    }
    const [next] = this.#kept;
    if (next !== undefined)
      this.#timer = this.#options.clock.setTimer(next.keptUntil - now, () => this.#endOld());
  }

  /** Ends a read that nobody waits for, and gives back the marker that it has taken. */
  #end(read: Read): void {
    read.ending.abort();
    if (read.outcome !== 'woken') return;
    const { key } = read;
    // If that fails, the poll of those who wait for the key finds what it announced.
    void this.#options.router.call('RPUSH', ['RPUSH', key, '1'], key).catch(() => {});
  }
}

/** Resolves when one of the reads has ended, or at the abort of `signal`. */
async function firstEnd(reads: readonly Read[], signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end);
    for (const read of reads) {
      read.ended = end;
      if (read.outcome !== null) end();
    }
  });
}
