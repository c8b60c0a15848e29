import type { NewId } from '../../src/lib/ids.ts';
import type { Random } from '../../src/lib/random.ts';

/** All chance of a simulation: the same seed, the same numbers. `fork` gives a part of it numbers of its own. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = mixed(seed | 0);
  }

  readonly random: Random = () => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    return (mixed(this.#state) >>> 0) / 2 ** 32;
  };

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** From `low` to less than `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }

  fork(): Dice {
    return new Dice(Math.floor(this.random() * 2 ** 32));
  }

  /** Ids of the shape that brokers want; their time is the one given. */
  ids(now: () => number): NewId {
    return () => {
      const time = Math.max(0, Math.floor(now())).toString(16).padStart(12, '0');
      const hex = (digits: number) =>
        Math.floor(this.random() * 16 ** digits)
          .toString(16)
          .padStart(digits, '0');
      return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
    };
  }
}

function mixed(value: number): number {
  let mix = value;
  mix = Math.imul(mix ^ (mix >>> 16), 0x21f0aaad);
  mix = Math.imul(mix ^ (mix >>> 15), 0x735a2d97);
  return mix ^ (mix >>> 15);
}
