import { setMaxListeners } from 'node:events';
import type { Random } from '../../lib/random.ts';
import { type Link, type LinkOptions, openLink, type Reply } from './link.ts';
import type { Router } from './router.ts';

/** How long one blocking read lasts before it is made again: the bound on a wake that no reply ever brings. */
const BLOCK_MS = 5_000;
/** The same where an exchange may stand behind it: the end of such a read is also the poll of its queue. */
const STOOD_BEHIND_MS = 2_000;
/** How much later its answer may come: until then nothing else asks for the queue. */
const STOOD_BEHIND_GRACE_MS = 1_000;
/** Between two tries to end a read that the server had not begun when it was told to end it. */
const UNBLOCK_AGAIN_MS = 10;
const LONGEST_REST_MS = 2_000;

export interface WaiterOptions extends Omit<LinkOptions, 'url' | 'connectDeadlineMs' | 'signal'> {
  readonly callDeadlineMs: number;
  readonly random: Random;
  /** The broker's ordinary connections. */
  readonly router: Pick<Router, 'call' | 'callAt' | 'urlOf' | 'doubt'>;
}

/** Sends a command on the connection of a blocking read: the server executes it when the read has ended. @throws BrokerError */
export type SendBehind = (verb: string, args: readonly string[]) => Promise<Reply>;

/** Told of each blocking read that begins, and with null when it has ended. */
export type OnBlocking = (behind: SendBehind | null) => void;

/** A connection for blocking reads. */
interface Seat {
  readonly link: Link;
  /** Where it leads. */
  readonly url: string;
  readonly clientId: string;
  live: boolean;
}

/** Waits for wake markers: blocking reads, each on a connection of its own, kept for the next wait. */
export class Waiter {
  readonly #options: WaiterOptions;
  readonly #closing = new AbortController();
  readonly #idle: Seat[] = [];

  constructor(options: WaiterOptions) {
    this.#options = options;
    // One listener for each connection, and for each wait that rests.
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Resolves with those of the keys that were woken: one, or all when reads had failed before (a marker may have been
   * missed meanwhile); none at the abort of `signal` or at `close`. Never rejects. All keys must be of one server.
   */
  async wait(keys: readonly string[], signal: AbortSignal, onRead?: OnBlocking): Promise<readonly string[]> {
    const closing = this.#closing.signal;
    let failures = 0;
    while (!signal.aborted && !closing.aborted) {
      try {
        const url = this.#options.router.urlOf(keys[0] ?? '');
        const seat = this.#takeIdle(url) ?? (await this.#make(url, signal));
        if (seat === undefined) return [];
        if (failures > 0) {
          this.#idle.push(seat);
          return keys;
        }
        const key = await this.#read(seat, keys, signal, onRead);
        if (key !== undefined) return [key];
      } catch {
        // Its connections end with `close`.
        if (closing.aborted) return [];
        failures++;
        this.#options.router.doubt();
        // Either ends it: the caller's signal the wait, `close` the timer as well.
        await until(signal, this.#options.clock.sleep(this.#restMs(failures), closing));
      }
    }
    return [];
  }

  close(): void {
    this.#closing.abort();
  }

  /** One blocking read; undefined when its time is over or `signal` aborted. */
  async #read(
    seat: Seat,
    keys: readonly string[],
    signal: AbortSignal,
    onRead: OnBlocking | undefined,
  ): Promise<string | undefined> {
    const { callDeadlineMs } = this.#options;
    const [blockMs, graceMs] =
      onRead === undefined
        ? [BLOCK_MS, callDeadlineMs]
        : [STOOD_BEHIND_MS, Math.min(callDeadlineMs, STOOD_BEHIND_GRACE_MS)];
    const longestMs = blockMs + graceMs;
    const reply = seat.link.send('BLPOP', ['BLPOP', ...keys, String(blockMs / 1_000)], longestMs);
    let behind = false;
    onRead?.((verb, args) => {
      behind = true;
      return seat.link.send(verb, args, longestMs);
    });
    const reading = reply
      .finally(() => onRead?.(null))
      // The answer to what stands behind it came with it, and brings the job that is awaited: that goes first.
      .then(async (woken) => {
        if (behind) await new Promise(setImmediate);
        return Array.isArray(woken) ? String(woken[0]) : undefined;
      });
    const finished = reading.then(
      (key) => ({ key }),
      (error: unknown) => ({ error }),
    );
    const outcome = await until(signal, finished);
    if (outcome === undefined) {
      void this.#abandon(seat, reading);
      return undefined;
    }
    if ('error' in outcome) {
      seat.link.destroy();
      throw outcome.error;
    }
    this.#idle.push(seat);
    return outcome.key;
  }

  /** Ends a read that nobody waits for any more, and gives back the marker that it may have taken. Never rejects. */
  async #abandon(seat: Seat, reading: Promise<string | undefined>): Promise<void> {
    try {
      if (this.#closing.signal.aborted) return seat.link.destroy();
      await this.#unblock(seat, reading);
      const key = await reading;
      this.#idle.push(seat);
      if (key !== undefined) await this.#options.router.call('RPUSH', ['RPUSH', key, '1'], key);
    } catch {
      seat.link.destroy();
      await reading.catch(() => {});
    }
  }

  /** The server reads its connections in any order: what it is told of a read may come before the read. */
  async #unblock(seat: Seat, reading: Promise<unknown>): Promise<void> {
    const { router, clock } = this.#options;
    const over = new AbortController();
    const end = () => over.abort();
    reading.then(end, end);
    while (!over.signal.aborted) {
      const unblocked = await router.callAt(seat.url, 'CLIENT', ['CLIENT', 'UNBLOCK', seat.clientId]);
      if (unblocked === 1) return;
      await clock.sleep(UNBLOCK_AGAIN_MS, over.signal);
    }
  }

  /** A new seat; undefined at the abort of `signal`, then it is kept for a later wait. */
  async #make(url: string, signal: AbortSignal): Promise<Seat | undefined> {
    const making = this.#connect(url);
    const seat = await until(signal, making);
    if (seat === undefined) {
      void making.then(
        (late) => this.#idle.push(late),
        () => {},
      );
    }
    return seat;
  }

  async #connect(url: string): Promise<Seat> {
    const { callDeadlineMs } = this.#options;
    const link = await openLink({
      ...this.#options,
      url,
      connectDeadlineMs: callDeadlineMs,
      signal: this.#closing.signal,
    });
    try {
      const clientId = String(await link.send('CLIENT', ['CLIENT', 'ID'], callDeadlineMs));
      const seat: Seat = { link, url, clientId, live: true };
      void link.ended.then(() => {
        seat.live = false;
      });
      return seat;
    } catch (error) {
      link.destroy();
      throw error;
    }
  }

  #takeIdle(url: string): Seat | undefined {
    for (;;) {
      const at = this.#idle.findLastIndex((seat) => seat.url === url);
      const [seat] = at < 0 ? [] : this.#idle.splice(at, 1);
      if (seat === undefined || seat.live) return seat;
    }
  }

  #restMs(failures: number): number {
    const most = Math.min(LONGEST_REST_MS, 50 * 2 ** Math.min(failures, 10));
    return most * (0.5 + this.#options.random() / 2);
  }
}

/** What `promise` ends with, or undefined at the abort of `signal` if that is sooner. */
export function until<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = () => resolve(undefined);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', end));
  });
}
