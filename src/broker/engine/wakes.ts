/** Who waits for which queues. A wake that nobody waits for is remembered until somebody does. */
export class Wakes {
  #state: 'open' | 'closed' = 'open';
  readonly #remembered = new Set<string>();
  readonly #waiting = new Set<{ queues: readonly string[]; resolve: (woken: readonly string[]) => void }>();

  wake(queue: string): void {
    let heard = false;
    for (const waiter of this.#waiting) {
      if (!waiter.queues.includes(queue)) continue;
      heard = true;
      this.#waiting.delete(waiter);
      waiter.resolve([queue]);
    }
    if (!heard) this.#remembered.add(queue);
  }

  /** Ends every wait with nothing, and those to come. */
  close(): void {
    this.#state = 'closed';
    for (const waiter of this.#waiting) waiter.resolve([]);
    this.#waiting.clear();
  }

  /** Resolves with the queues that were woken; with none at the abort of `signal`. Never rejects. */
  wait(queues: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const woken = queues.filter((queue) => this.#remembered.delete(queue));
    if (woken.length > 0 || signal.aborted || this.#state === 'closed') return Promise.resolve(woken);
    return new Promise((resolve) => {
      const aborted = () => {
        this.#waiting.delete(waiter);
        resolve([]);
      };
      const waiter = {
        queues,
        resolve: (found: readonly string[]) => {
          signal.removeEventListener('abort', aborted);
          resolve(found);
        },
      };
      this.#waiting.add(waiter);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }
}
