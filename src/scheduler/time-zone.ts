/** Wall-clock time of a time zone. A local time is written as the EpochMs at which UTC shows the same figures. */

import type { EpochMs } from '../lib/clock.ts';

const DAY_MS = 86_400_000;

export class TimeZone {
  readonly #format: Intl.DateTimeFormat;

  /** @throws RangeError when no zone has this name. */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', era: 'short' },
      ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
    });
  }

  /** What a clock on the wall shows, to the second. */
  localAt(at: EpochMs): EpochMs {
    const part: Record<string, string> = {};
    for (const { type, value } of this.#format.formatToParts(at)) part[type] = value;
    const figure = (name: string) => Number(part[name]);
    const year = part['era'] === 'BC' ? 1 - figure('year') : figure('year');
    const day = [year, figure('month') - 1, figure('day')] as const;
    return Date.UTC(...day, figure('hour'), figure('minute'), figure('second'));
  }

  /** When the clock shows this: the first time if it does twice; if it never does, when it jumps over it. */
  instantOf(local: EpochMs): EpochMs {
    const before = local - this.#offsetAt(local - DAY_MS);
    const after = local - this.#offsetAt(local + DAY_MS);
    const shown = [before, after].filter((at) => this.localAt(at) === local);
    return shown.length > 0 ? Math.min(...shown) : this.#jumpBetween(after, before);
  }

  #offsetAt(at: EpochMs): number {
    return this.localAt(at) - Math.floor(at / 1_000) * 1_000;
  }

  /** The clock goes from one offset to another in between. */
  #jumpBetween(start: EpochMs, end: EpochMs): EpochMs {
    const old = this.#offsetAt(start);
    let [low, high] = [start, end];
    while (high - low > 1_000) {
      const middle = Math.floor((low + high) / 2_000) * 1_000;
      if (this.#offsetAt(middle) === old) low = middle;
      else high = middle;
    }
    return high;
  }
}
