import type { ClaimedJob, Settlement } from '../broker/messages/exchange.ts';

/** The deliveries that the broker must count as in flight here: claimed, and not settled for certain. */
export class Accounts {
  readonly #tokens = new Set<string>();

  get size(): number {
    return this.#tokens.size;
  }

  get tokens(): readonly string[] {
    return [...this.#tokens];
  }

  has(token: string): boolean {
    return this.#tokens.has(token);
  }

  /** An exchange was answered. Returns the jobs that were not delivered before. */
  book(settled: readonly Settlement[], claimed: readonly ClaimedJob[]): readonly ClaimedJob[] {
    for (const { token } of settled) this.#tokens.delete(token);
    const fresh: ClaimedJob[] = [];
    for (const job of claimed) {
      const before = this.#tokens.size;
      if (this.#tokens.add(job.token).size > before) fresh.push(job);
    }
    return fresh;
  }

  /** Takes over the broker's list. `stray` was unknown here, `vanished` is unknown there. */
  adopt(tokens: readonly string[]): { stray: readonly string[]; vanished: readonly string[] } {
    const theirs = new Set(tokens);
    const stray = tokens.filter((token) => !this.#tokens.has(token));
    const vanished = [...this.#tokens].filter((token) => !theirs.has(token));
    for (const token of vanished) this.#tokens.delete(token);
    for (const token of stray) this.#tokens.add(token);
    return { stray, vanished };
  }
}
