interface Waiting {
  readonly who: object;
  readonly begin: () => void;
}

/**
 * Of all pools of a daemon one at a time runs a suspect. So when the whole daemon ends, it is known which suspect it was, and
 * no other is counted a crash.
 */
export class SuspectTurn {
  /** The first has the turn. */
  #queue: Waiting[] = [];

  /** Whether it is the turn of `who`; if not, `begin` is called when it is. */
  ask(who: object, begin: () => void): boolean {
    if (!this.#queue.some((waiting) => waiting.who === who)) this.#queue.push({ who, begin });
    return this.#queue[0]?.who === who;
  }

  /** Gives the turn up, or the place in the line for it. Harmless for one that has neither. */
  leave(who: object): void {
    const [first] = this.#queue;
    this.#queue = this.#queue.filter((waiting) => waiting.who !== who);
    if (first?.who === who) this.#queue[0]?.begin();
  }
}
