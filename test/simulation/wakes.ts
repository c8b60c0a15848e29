import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Timeline } from './timeline.ts';

/** How long a read on one queue lasts before it is made anew. */
export const READ_MS = 2_000;

/** Lets something happen at the broker when a read ends. */
export type Stand = (arrive: () => void) => void;

/** Told of each read on one queue that begins, and with null at its end. */
export type OnRead = (stand: Stand | null) => void;

interface Waiter {
  readonly machine: Machine;
  readonly queues: readonly string[];
  readonly resolve: (woken: readonly string[]) => void;
  readonly onRead: OnRead | undefined;
  /** What stands behind the read. */
  standing: (() => void)[];
  expiry: { cancel: () => void };
}

/** Who waits for which queues: the one who has waited longest is told. Told is not heard: a wake may be lost. */
export class Wakes {
  readonly #timeline: Timeline;
  readonly #isCut: Network['isCut'];
  readonly #waiting = new Set<Waiter>();

  constructor(timeline: Timeline, isCut: Network['isCut']) {
    this.#timeline = timeline;
    this.#isCut = isCut;
  }

  wait(
    machine: Machine,
    queues: readonly string[],
    signal: AbortSignal,
    onRead?: OnRead,
  ): Promise<readonly string[]> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve([]);
      const aborted = () => {
        if (this.#waiting.delete(waiter)) this.#end(waiter, 0.5);
        onRead?.(null);
        resolve([]);
      };
      const waiter: Waiter = {
        machine,
        queues,
        resolve: (woken) => {
          signal.removeEventListener('abort', aborted);
          onRead?.(null);
          resolve(woken);
        },
        onRead,
        standing: [],
        expiry: { cancel: () => {} },
      };
      signal.addEventListener('abort', aborted, { once: true });
      this.#read(waiter);
    });
  }

  #read(waiter: Waiter): void {
    this.#waiting.add(waiter);
    if (waiter.onRead === undefined) return;
    const standing: (() => void)[] = [];
    waiter.standing = standing;
    waiter.expiry = this.#timeline.after(READ_MS, () => {
      if (!this.#waiting.has(waiter)) return;
      this.#end(waiter, 0);
      this.#timeline.after(0.3, () => this.#readAgain(waiter), waiter.machine);
    });
    waiter.onRead((arrive) => standing.push(arrive));
  }

  #readAgain(waiter: Waiter): void {
    if (!this.#waiting.has(waiter)) return;
    waiter.onRead?.(null);
    this.#read(waiter);
  }

  /** What stands behind the read happens, whatever its sender does meanwhile. */
  #end(waiter: Waiter, afterMs: number): void {
    waiter.expiry.cancel();
    const { standing } = waiter;
    waiter.standing = [];
    if (standing.length > 0)
      this.#timeline.after(afterMs, () => {
        for (const arrive of standing) arrive();
      });
  }

  /** False when nobody waits for this queue. */
  wake(queue: string): boolean {
    for (const waiter of this.#waiting) {
      if (!waiter.queues.includes(queue) || waiter.machine.state === 'dead') continue;
      this.#waiting.delete(waiter);
      this.#end(waiter, 0);
      const lost = this.#isCut(waiter.machine);
      // A lost wake ends the wait too: with the connection.
      const woken = lost ? [] : [queue];
      this.#timeline.after(lost ? 5_000 : 0.3, () => waiter.resolve(woken), waiter.machine);
      return true;
    }
    return false;
  }

  forget(machine: Machine): void {
    for (const waiter of this.#waiting) {
      if (waiter.machine !== machine) continue;
      this.#waiting.delete(waiter);
      waiter.expiry.cancel();
    }
  }
}
