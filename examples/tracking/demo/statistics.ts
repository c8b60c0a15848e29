import type { Kind } from './load.ts';
import type { Mode } from './modes.ts';

/** A finished job: when it was due to arrive and when its result was there, milliseconds from the start of the run. */
export interface Completion {
  readonly kind: Kind;
  readonly plannedAt: number;
  readonly doneAt: number;
}

export interface Run {
  readonly mode: Mode['name'];
  readonly label: string;
  readonly completions: readonly Completion[];
  /** One line for each job that did not complete. */
  readonly failures: readonly string[];
}

/** Time to completion, milliseconds. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
}

export interface Category {
  readonly name: string;
  readonly kinds: readonly Kind[];
}

export const CATEGORIES: readonly Category[] = [
  { name: 'CPU jobs', kinds: ['cpu'] },
  { name: 'I/O jobs', kinds: ['io'] },
  { name: 'All jobs', kinds: ['cpu', 'io', 'upkeep'] },
];

export const ALL = CATEGORIES[2]!;

export const within = ({ completions }: Run, { kinds }: Category): Completion[] =>
  completions.filter(({ kind }) => kinds.includes(kind));

export function summarize(run: Run, category: Category): Summary {
  const times = within(run, category)
    .map(({ plannedAt, doneAt }) => doneAt - plannedAt)
    .sort((a, b) => a - b);
  return {
    count: times.length,
    mean: times.reduce((sum, time) => sum + time, 0) / times.length,
    p50: percentile(times, 0.5),
    p95: percentile(times, 0.95),
    max: percentile(times, 1),
  };
}

/** The smallest of the values (rising) that at least this share of them does not exceed. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The run whose mean over all jobs is the middle one. */
export function typical(runs: readonly Run[]): Run {
  const byMean = runs.toSorted((a, b) => summarize(a, ALL).mean - summarize(b, ALL).mean);
  return byMean[Math.floor((byMean.length - 1) / 2)]!;
}

/** How many times faster than the other the first is on average. */
export function timesFaster(run: Run, other: Run, category: Category = ALL): number {
  return summarize(other, category).mean / summarize(run, category).mean;
}
