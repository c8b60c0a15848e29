import type { Broker } from '../broker/broker.ts';
import type { OnRead } from '../broker/messages/exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { toBeat } from '../lib/common-beat.ts';
import type { Condition } from '../lib/condition.ts';
import { toErrorRecord } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';

/** How often an idle queue is asked although nothing woke it: a wake can be missed. */
const POLL_MS = 1_000;

export interface WakeListenerOptions {
  readonly broker: Broker;
  readonly queues: readonly string[];
  /** Is there room for what a wake announces? A daemon without room leaves wakes to others. */
  readonly hasRoom: () => boolean;
  /** Notified when that may have changed. */
  readonly changed: Condition;
  /** Told of each read that the waiting consists of (Broker.wait), and with null when there is none any more. */
  readonly onRead: OnRead;
  /** These queues may have something to claim. Listening goes on when it resolves. */
  readonly onWake: (queues: readonly string[]) => Promise<unknown>;
  /** Now and then, whatever the broker says: a wake can be missed. */
  readonly onPoll: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Tells which queues to ask: those that the broker wakes, and now and then all of them. Ends at the abort of `signal`. */
export class WakeListener {
  readonly #options: WakeListenerOptions;
  readonly #signal: AbortSignal;
  /** Ends the present wait. Made anew only once it was used: else each job alone would cost one. */
  #ending = new AbortController();

  constructor(options: WakeListenerOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  start(): void {
    this.#signal.addEventListener('abort', () => this.hurry());
    void this.#hear();
    void poll(this.#options, this.#signal);
  }

  /** Ends the present wait as if it had brought nothing. */
  hurry(): void {
    this.#ending.abort();
    this.#options.onRead(null);
  }

  async #hear(): Promise<void> {
    const { hasRoom, changed, onWake, clock, random, log } = this.#options;
    let { queues } = this.#options;
    for (;;) {
      await changed.until(hasRoom, this.#signal);
      if (this.#signal.aborted) return;
      try {
        const woken = await this.#wait(queues);
        queues = lastOnes(queues, woken);
        await onWake(woken);
      } catch (error) {
        log.warn('waiting for wakes failed', { err: toErrorRecord(error) });
        await clock.sleep(spread(random), this.#signal);
      }
    }
  }

  #wait(queues: readonly string[]): Promise<readonly string[]> {
    const { broker, onRead } = this.#options;
    if (this.#ending.signal.aborted) this.#ending = new AbortController();
    const { signal } = this.#ending;
    // The end of a read that nobody waits for may come when the next one has begun.
    const heed: OnRead = (behind) => {
      if (!signal.aborted) onRead(behind);
    };
    return broker.wait(queues, signal, heed);
  }
}

/**
 * A broker may tell of the first queue only, and one with a backlog is woken again by each exchange: those that were woken
 * come last the next time, or nobody would hear of the others.
 */
function lastOnes(queues: readonly string[], woken: readonly string[]): readonly string[] {
  return [
    ...queues.filter((queue) => !woken.includes(queue)),
    ...queues.filter((queue) => woken.includes(queue)),
  ];
}

/** All consumers of a daemon at once: their questions are one write. */
async function poll({ onPoll, clock, random }: WakeListenerOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(toBeat(clock, spread(random), 'about'), signal);
    if (!signal.aborted) onPoll();
  }
}

/** Not all daemons in the same moment. */
const spread = (random: Random): number => POLL_MS * (0.75 + 0.5 * random());
