/** Compares what is held after the faults with what was held before them. */

import type { ProcessSample, StoreSample } from './probe.ts';

/** Both under the same load, and then at rest. */
export interface Held {
  /** Of each daemon, over a while under load: the middle of what was seen. */
  readonly working: readonly ProcessSample[];
  readonly resting: readonly ProcessSample[];
  readonly store: StoreSample;
}

export interface Comparison {
  readonly what: string;
  readonly before: number;
  readonly after: number;
  readonly unit: 'bytes' | 'count';
  readonly isBack: boolean;
}

const TOLERANCE = 0.05;
/** What is stored at rest is a few kilobytes of counters, whose size goes by their digits. */
const STORED_TOLERANCE_BYTES = 16_384;

/**
 * By the name of the daemon: the later process of one that was killed stands for the first, which had worked for at most as
 * long. Less than before is no leak, but of processes, of which none may be missing.
 */
export function compare(before: Held, after: Held): Comparison[] {
  const comparisons: Comparison[] = [];
  const add = (what: string, unit: Comparison['unit'], was: number, is: number, isBack = is <= limit(was)) =>
    void comparisons.push({ what, before: was, after: is, unit, isBack });
  const memory = (when: 'working' | 'resting') => {
    for (const was of before[when]) {
      const is = after[when].find(({ name }) => name === was.name);
      // Under load the heap of a young process has another size than that of an old one: of those that were killed it is shown only.
      const isShown = when === 'working' && is !== undefined && is.pid !== was.pid;
      const judged = (before: number, after: number) => isShown || after <= limit(before);
      const [held, rss] = [is?.heldBytes ?? Number.NaN, is?.rssBytes ?? Number.NaN];
      add(`${was.name}: resident, ${when}`, 'bytes', was.rssBytes, rss, judged(was.rssBytes, rss));
      // Without the pages of the program: it tells where a change lies.
      add(`${was.name}: held, ${when}`, 'bytes', was.heldBytes, held, !Number.isNaN(held));
    }
  };
  memory('working');
  memory('resting');
  for (const was of before.resting) {
    const is = after.resting.find(({ name }) => name === was.name);
    add(`${was.name}: descriptors`, 'count', was.fds, is?.fds ?? Number.NaN);
    const processes = is?.processes ?? Number.NaN;
    add(`${was.name}: processes`, 'count', was.processes, processes, processes === was.processes);
  }
  add('keys or rows', 'count', before.store.entries, after.store.entries);
  const stored = [before.store.bytes, after.store.bytes] as const;
  add('stored bytes', 'bytes', ...stored, stored[1] <= limit(stored[0]) + STORED_TOLERANCE_BYTES);
  return comparisons;
}

const limit = (was: number): number => was * (1 + TOLERANCE);

/** Of each daemon that was there in all samples, value by value. */
export function middle(samples: readonly (readonly ProcessSample[])[]): ProcessSample[] {
  const last = samples.at(-1) ?? [];
  return last.map((sample) => {
    const own = samples.flatMap((all) => all.filter(({ pid }) => pid === sample.pid));
    const of = (value: (one: ProcessSample) => number) => {
      const sorted = own.map(value).sort((a, b) => a - b);
      return sorted[Math.floor(sorted.length / 2)] as number;
    };
    return {
      ...sample,
      heldBytes: of(({ heldBytes }) => heldBytes),
      rssBytes: of(({ rssBytes }) => rssBytes),
      fds: of(({ fds }) => fds),
      processes: of(({ processes }) => processes),
      workersBytes: of(({ workersBytes }) => workersBytes),
    };
  });
}
