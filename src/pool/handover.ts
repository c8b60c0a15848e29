import type { Crew, HeirWishes } from './crew.ts';
import type { Succession } from './heir.ts';
import type { Retirement } from './retirement.ts';
import type { Slot } from './slot.ts';

/**
 * Replaces workers one at a time, the new one before the old one: beside its slots a pool has at most one worker more.
 * Whoever wants to replace takes a turn; the next begins when the old worker of the last has gone.
 */
export class Handover {
  readonly #crew: Crew;
  readonly #retirement: Retirement;
  readonly #onFree: () => void;
  readonly #queue: (() => void)[] = [];
  #busy = false;

  constructor(crew: Crew, retirement: Retirement, onFree: () => void) {
    this.#crew = crew;
    this.#retirement = retirement;
    this.#onFree = onFree;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Runs `work` when nobody else replaces. */
  async turn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#busy = true;
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next !== undefined) next();
      else {
        this.#busy = false;
        this.#onFree();
      }
    }
  }

  /** Within a turn. Resolves when the old worker has gone, or the new one could not take over. */
  async replace(slot: Slot, wishes: HeirWishes): Promise<Succession> {
    const end = await this.#crew.succeed(slot, wishes);
    if (end.type === 'taken' && end.old !== null) await this.#retirement.gone(end.old);
    return end;
  }
}
