import type { Writable } from 'node:stream';

const BAR_WIDTH = 30;
const REDRAW_MS = 100;

/** One line per run: redrawn in place on a terminal, else printed anew at each tenth of the way. */
export class Progress {
  readonly #out: Writable & { readonly isTTY?: boolean };
  #label = '';
  #total = 0;
  #done = 0;
  #started = 0;
  #drawn = 0;
  #tenth = 0;

  constructor(out: Writable & { readonly isTTY?: boolean }) {
    this.#out = out;
  }

  start(label: string, total: number): void {
    this.#label = label;
    this.#total = total;
    this.#done = 0;
    this.#tenth = 0;
    this.#started = performance.now();
    this.#draw();
  }

  step(): void {
    this.#done++;
    if (this.#out.isTTY !== true) this.#drawTenth();
    else if (performance.now() - this.#drawn >= REDRAW_MS) this.#draw();
  }

  /** Leaves the line as it is and goes to the next. */
  end(): void {
    this.#draw();
    if (this.#out.isTTY === true) this.#out.write('\n');
  }

  #drawTenth(): void {
    const tenth = Math.floor((10 * this.#done) / this.#total);
    if (tenth === this.#tenth || this.#done === this.#total) return;
    this.#tenth = tenth;
    this.#draw();
  }

  #draw(): void {
    this.#drawn = performance.now();
    const share = this.#total === 0 ? 1 : this.#done / this.#total;
    const filled = Math.round(BAR_WIDTH * share);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}`;
    const seconds = ((this.#drawn - this.#started) / 1_000).toFixed(1);
    const line = `${this.#label.padEnd(19)} ${bar} ${String(Math.floor(100 * share)).padStart(3)}%  ${this.#done}/${this.#total}  ${seconds} s`;
    this.#out.write(this.#out.isTTY === true ? `\r\x1b[K${line}` : `${line}\n`);
  }
}
