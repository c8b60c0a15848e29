import { median, quantile } from '../measure/quantile.ts';
import { short } from '../report/numbers.ts';
import type { Plot } from '../report/plot.ts';
import type { SuiteContext } from './suite.ts';

export const SHARES = [0.5, 0.95, 0.99] as const;
/** Of a distribution at most so many values go into the raw figures, evenly taken. */
const KEPT = 2_000;

/** The times of one kind, in milliseconds: of each name those of every round. */
export class Samples {
  readonly title: string;
  readonly #context: SuiteContext;
  readonly #suite: string;
  readonly #rounds = new Map<string, number[][]>();

  constructor(context: SuiteContext, suite: string, title: string) {
    this.#context = context;
    this.#suite = suite;
    this.title = title;
  }

  /** Those of a round, which go to the raw figures as well. */
  add(contender: string, round: number, ms: readonly number[]): void {
    this.#rounds.set(contender, [...(this.#rounds.get(contender) ?? []), [...ms]]);
    const { figures } = this.#context;
    const of = { suite: this.#suite, contender, round };
    for (const share of SHARES)
      figures.add({
        ...of,
        figure: `${this.title}: p${share * 100}`,
        unit: 'ms',
        value: quantile(ms, share),
      });
    const sorted = [...ms].sort((a, b) => a - b);
    const step = Math.max(1, sorted.length / KEPT);
    const length = Math.floor(sorted.length / step);
    const kept = Array.from({ length }, (_, index) => sorted[Math.floor(index * step)]);
    figures.note({ type: 'samples', ...of, load: this.title, count: ms.length, ms: kept });
  }

  get names(): string[] {
    return [...this.#rounds.keys()];
  }

  /** The middle of the rounds' quantiles; NaN where nothing was measured. */
  typical(name: string, share: number): number {
    return median((this.#rounds.get(name) ?? []).map((ms) => quantile(ms, share)));
  }

  /** Quantiles, the most, and how many. */
  cells(name: string): string[] {
    const count = (this.#rounds.get(name) ?? []).reduce((sum, { length }) => sum + length, 0);
    return [...[...SHARES, 1].map((share) => short(this.typical(name, share))), String(count)];
  }

  plot(names: readonly string[] = this.names): Plot {
    return {
      type: 'distribution',
      title: `${this.title}, all rounds`,
      unit: 'ms',
      series: names.map((label) => ({ label, values: (this.#rounds.get(label) ?? []).flat() })),
    };
  }
}
