import { short } from './numbers.ts';
import type { Table } from './table.ts';

/** What must be reached, and what was. */
export interface Bar {
  readonly bar: string;
  /** In words, with the figures that it was made of. */
  readonly figure: string;
  /** Null: was not measured in this run. */
  readonly met: boolean | null;
}

export function atLeast(bar: string, value: number, least: number, unit = ''): Bar {
  return { bar, figure: `${short(value)}${unit}`, met: Number.isFinite(value) ? value >= least : null };
}

export function atMost(bar: string, value: number, most: number, unit = ''): Bar {
  return { bar, figure: `${short(value)}${unit}`, met: Number.isFinite(value) ? value <= most : null };
}

export function barsTable(title: string, bars: readonly Bar[]): Table {
  const words = (met: boolean | null) => (met === null ? 'not measured' : met ? 'yes' : 'NO');
  return {
    title,
    head: ['bar', 'figure', 'met?'],
    rows: bars.map(({ bar, figure, met }) => [bar, figure, words(met)]),
  };
}
