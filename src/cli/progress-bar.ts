import type { Clock, Timer } from '../lib/clock.ts';
import { type Overlay, type Stream, terminalWidth } from './output.ts';
import { cutText, textWidth } from './table.ts';

export interface BarState {
  /** Between 0 and 1; null while the end is not known: then there are only words. */
  readonly fraction: number | null;
  readonly text: string;
}

const DRAW_EVERY_MS = 100;
const WIDEST = 40;

/** `[##########----------]  50%  96 of 192 done`, at most `width` columns. */
export function renderBar({ fraction, text }: BarState, width: number): string {
  if (fraction === null) return cutText(text, width);
  const share = Math.min(1, Math.max(0, fraction));
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`;
  const room = Math.min(WIDEST, width - textWidth(text) - percent.length - 6);
  if (room < 5) return cutText(`${percent}  ${text}`, width);
  const full = Math.floor(share * room);
  return `[${'#'.repeat(full)}${'-'.repeat(room - full)}] ${percent}  ${text}`;
}

/** A bar on the last line of a terminal, drawn at most ten times a second; the last state is always drawn. */
export class ProgressBar implements Overlay {
  readonly #stream: Stream;
  readonly #clock: Clock;
  #bar: () => BarState = () => ({ fraction: null, text: '' });
  #drawnAt = Number.NEGATIVE_INFINITY;
  #timer: Timer | null = null;
  /** `covered`: it was there, and gave way to other lines. */
  #state: 'hidden' | 'shown' | 'covered' = 'hidden';

  constructor(stream: Stream, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  /** `state` is asked only when the bar is drawn. */
  update(state: () => BarState): void {
    this.#bar = state;
    this.draw();
  }

  /** At once when it was only covered; else when the last time is long enough ago. */
  draw(): void {
    const wait = this.#drawnAt + DRAW_EVERY_MS - this.#clock.monotonic();
    if (wait <= 0 || this.#state === 'covered') this.#drawNow();
    else this.#timer ??= this.#clock.setTimer(wait, () => this.#drawNow());
  }

  erase(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#state !== 'shown') return;
    this.#state = 'covered';
    this.#stream.write('\r\x1b[K');
  }

  #drawNow(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#drawnAt = this.#clock.monotonic();
    this.#state = 'shown';
    this.#stream.write(`\r${renderBar(this.#bar(), terminalWidth(this.#stream) - 1)}\x1b[K`);
  }
}
