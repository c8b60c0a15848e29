import type { Writable } from 'node:stream';

type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

const WIDTH = 30;

/** One line for a suite: redrawn in place on a terminal, else printed anew at each step. */
export class Progress {
  readonly #out: Output;
  readonly #suite: string;
  readonly #steps: number;
  readonly #begun = performance.now();
  #done = 0;

  constructor(out: Output, suite: string, steps: number) {
    this.#out = out;
    this.#suite = suite;
    this.#steps = steps;
  }

  /** What is being measured from now on. */
  step(label: string): void {
    this.#draw(label);
    this.#done = Math.min(this.#steps, this.#done + 1);
  }

  end(): void {
    this.#done = this.#steps;
    this.#draw('');
    if (this.#out.isTTY === true) this.#out.write('\n');
  }

  #draw(label: string): void {
    const filled = Math.round((WIDTH * this.#done) / this.#steps);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
    const seconds = Math.round((performance.now() - this.#begun) / 1_000);
    const line = `${this.#suite.padEnd(11)} ${bar} ${String(this.#done).padStart(3)}/${this.#steps} ${String(seconds).padStart(4)} s  ${label}`;
    // A line that wraps could not be redrawn.
    const fitting = line.slice(0, (this.#out.columns ?? 120) - 1);
    this.#out.write(this.#out.isTTY === true ? `\r\x1b[K${fitting}` : `${line.trimEnd()}\n`);
  }
}
