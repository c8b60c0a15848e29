/** Lets code wait for a state that other code changes. Whoever changes the state calls `notify`. */
export class Condition {
  readonly #waiting = new Set<() => void>();

  /** Everybody who waits looks again. */
  notify(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** Resolves with true once `holds` is true, or with false at the abort of `signal`. Never rejects. */
  until(holds: () => boolean, signal?: AbortSignal): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (result: boolean) => {
        this.#waiting.delete(look);
        signal?.removeEventListener('abort', onAbort);
        resolve(result);
      };
      const look = () => {
        if (holds()) end(true);
      };
      const onAbort = () => end(false);
      this.#waiting.add(look);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
