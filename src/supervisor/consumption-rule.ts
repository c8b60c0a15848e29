/** When a consumer is stuck: pure. */

export interface ConsumptionLook {
  /** Monotonic ms. */
  readonly now: number;
  /** Jobs that are ready in the queues that the consumer would claim from. */
  readonly claimable: number;
  readonly freeSlots: number;
  /** Jobs claimed so far, a count that only rises. */
  readonly claimed: number;
}

/** Jobs wait, slots are free, and nothing was claimed for so long. */
export const STUCK_AFTER_MS = 30_000;

/** Remembers what was seen of one consumer. */
export class ConsumptionRule {
  #idleSince: number | null = null;
  #claimed = 0;
  #stuck = false;

  get stuck(): boolean {
    return this.#stuck;
  }

  /** `stuck`: it is, and that is so for another 30 s. `freed`: it was, and is not any more. */
  observe({ now, claimable, freeSlots, claimed }: ConsumptionLook): 'well' | 'stuck' | 'freed' {
    const idle = claimable > 0 && freeSlots > 0 && claimed === this.#claimed;
    this.#claimed = claimed;
    if (!idle) return this.forget();
    this.#idleSince ??= now;
    if (now - this.#idleSince < STUCK_AFTER_MS) return 'well';
    this.#idleSince = now;
    this.#stuck = true;
    return 'stuck';
  }

  /** Nothing is known of the time since the last look, or it has no right to claim. */
  forget(): 'well' | 'freed' {
    const freed = this.#stuck;
    this.#idleSince = null;
    this.#stuck = false;
    return freed ? 'freed' : 'well';
  }
}
