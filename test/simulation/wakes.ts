import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import type { Timeline } from './timeline.ts';

interface Waiter {
  readonly machine: Machine;
  readonly queues: readonly string[];
  readonly resolve: (woken: readonly string[]) => void;
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

  wait(machine: Machine, queues: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve([]);
      const aborted = () => {
        this.#waiting.delete(waiter);
        resolve([]);
      };
      const waiter: Waiter = {
        machine,
        queues,
        resolve: (woken) => {
          signal.removeEventListener('abort', aborted);
          resolve(woken);
        },
      };
      this.#waiting.add(waiter);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }

  /** False when nobody waits for this queue. */
  wake(queue: string): boolean {
    for (const waiter of this.#waiting) {
      if (!waiter.queues.includes(queue) || waiter.machine.state === 'dead') continue;
      this.#waiting.delete(waiter);
      const lost = this.#isCut(waiter.machine);
      // A lost wake ends the wait too: with the connection.
      const woken = lost ? [] : [queue];
      this.#timeline.after(lost ? 5_000 : 0.3, () => waiter.resolve(woken), waiter.machine);
      return true;
    }
    return false;
  }

  forget(machine: Machine): void {
    for (const waiter of this.#waiting) if (waiter.machine === machine) this.#waiting.delete(waiter);
  }
}
