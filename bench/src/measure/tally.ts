import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What handlers of one phase have done, all processes together; times in microseconds. */
export interface Count {
  readonly jobs: number;
  readonly firstUs: number;
  readonly lastUs: number;
}

export interface Stamp {
  readonly index: number;
  readonly begunUs: number;
  readonly endedUs: number;
}

const POLL_MS = 20;
/** Nothing counted for so long: something is wrong. */
const STUCK_MS = 60_000;

/** Reads what the probes in the handlers leave in a folder. */
export class Tally {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  count(phase: number): Count {
    let [jobs, firstUs, lastUs] = [0, Number.POSITIVE_INFINITY, 0];
    for (const [number, count, first, last] of this.#rows('count')) {
      if (number !== phase || count === 0) continue;
      jobs += count;
      firstUs = Math.min(firstUs, first);
      lastUs = Math.max(lastUs, last);
    }
    return { jobs, firstUs, lastUs };
  }

  stamps(phase: number): Stamp[] {
    return this.#rows('stamp').flatMap(([number, index, begunUs, endedUs]) =>
      number === phase ? [{ index, begunUs, endedUs }] : [],
    );
  }

  /** Resolves when so many jobs of the phase have been counted. */
  async until(phase: number, jobs: number, progress: (share: number) => void = () => {}): Promise<Count> {
    return this.#wait(
      jobs,
      () => this.count(phase),
      ({ jobs: done }) => done,
      progress,
    );
  }

  async untilStamped(phase: number, jobs: number): Promise<Stamp[]> {
    return this.#wait(
      jobs,
      () => this.stamps(phase),
      ({ length }) => length,
      () => {},
    );
  }

  async #wait<T>(
    jobs: number,
    look: () => T,
    done: (seen: T) => number,
    progress: (share: number) => void,
  ): Promise<T> {
    let [before, since] = [0, performance.now()];
    for (;;) {
      const seen = look();
      const now = done(seen);
      if (now >= jobs) return seen;
      progress(now / jobs);
      if (now !== before) [before, since] = [now, performance.now()];
      if (performance.now() - since > STUCK_MS) throw new Error(`stuck at ${now} of ${jobs} jobs`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #rows(kind: 'count' | 'stamp'): [number, number, number, number][] {
    const rows: [number, number, number, number][] = [];
    for (const name of readdirSync(this.folder)) {
      if (!name.startsWith(kind)) continue;
      const bytes = readFileSync(join(this.folder, name));
      const at = (index: number) => bytes.readDoubleLE(index * 8);
      for (let i = 0; i + 4 <= bytes.length / 8; i += 4) rows.push([at(i), at(i + 1), at(i + 2), at(i + 3)]);
    }
    return rows;
  }
}
