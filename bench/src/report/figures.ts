import { appendFileSync, writeFileSync } from 'node:fs';
import { median } from '../measure/quantile.ts';

/** One measured value, as it came. */
export interface Figure {
  readonly suite: string;
  readonly contender: string;
  readonly figure: string;
  readonly unit: string;
  readonly round: number;
  readonly value: number;
}

/** All raw figures of a run: each goes to the NDJSON file at once. */
export class Figures {
  readonly #path: string;
  readonly #all: Figure[] = [];

  constructor(path: string) {
    this.#path = path;
    writeFileSync(path, '');
  }

  add(figure: Figure): void {
    this.#all.push(figure);
    this.note({ ...figure });
  }

  /** A line that is no single value: a distribution, the machine. */
  note(line: Readonly<Record<string, unknown>>): void {
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`);
  }

  /** In the order in which they were measured. */
  values(suite: string, contender: string, figure: string): number[] {
    return this.#all
      .filter((one) => one.suite === suite && one.contender === contender && one.figure === figure)
      .map(({ value }) => value);
  }

  /** NaN where nothing was measured. */
  median(suite: string, contender: string, figure: string): number {
    return median(this.values(suite, contender, figure));
  }
}
