import type { Clock, EpochMs, Timer } from '../../src/lib/clock.ts';
import type { Dice } from './dice.ts';
import type { Happening, Timeline } from './timeline.ts';

/** Where all wall clocks stand at the start. So late that no key expires by the server's own clock meanwhile. */
export const START: EpochMs = Date.UTC(2040, 0, 1);

/**
 * A process with its clocks. Stopped (SIGSTOP, a machine that sleeps) it notices nothing; continued, it finds all that
 * came meanwhile: timers in their order, input in its order, the two mixed by chance. Dead, nothing of it happens any more.
 */
export class Machine {
  readonly name: string;
  readonly dice: Dice;
  readonly clock: Clock;
  state: 'awake' | 'stopped' | 'dead' = 'awake';
  /** When it was last stopped or still was, on the true clock. */
  lastStoppedAt = Number.NEGATIVE_INFINITY;
  /** What its wall clock is wrong by. */
  wallOffset = 0;
  readonly #timeline: Timeline;
  readonly #timers = new Set<object>();
  #held: Happening[] = [];

  constructor(name: string, timeline: Timeline, dice: Dice) {
    this.name = name;
    this.dice = dice;
    this.#timeline = timeline;
    this.clock = {
      now: () => Math.floor(START + timeline.now + this.wallOffset),
      monotonic: () => timeline.now,
      sleep: (ms, signal) => this.#sleep(ms, signal),
      setTimer: (ms, callback) => this.#setTimer(ms, callback),
    };
  }

  /** Timers and sleeps under way. */
  get pending(): number {
    return this.#timers.size;
  }

  stop(): void {
    if (this.state === 'awake') this.state = 'stopped';
  }

  async continue(): Promise<void> {
    if (this.state !== 'stopped') return;
    this.lastStoppedAt = this.#timeline.now;
    this.state = 'awake';
    const held = this.#held;
    this.#held = [];
    const timers = held
      .filter(({ kind }) => kind === 'timer')
      .toSorted((a, b) => a.at - b.at || a.order - b.order);
    const input = held.filter(({ kind }) => kind === 'input');
    while (timers.length + input.length > 0) {
      const from = input.length === 0 || (timers.length > 0 && this.dice.chance(0.5)) ? timers : input;
      await this.#timeline.happen(from.shift() as Happening);
      if (this.state !== 'awake') return;
    }
  }

  die(): void {
    this.state = 'dead';
    this.#held = [];
    this.#timers.clear();
  }

  hold(happening: Happening): void {
    this.#held.push(happening);
  }

  #setTimer(ms: number, callback: () => void): Timer {
    const timer = {};
    this.#timers.add(timer);
    const run = () => {
      this.#timers.delete(timer);
      callback();
    };
    const { cancel } = this.#timeline.at(this.#timeline.now + Math.max(0, ms), run, this, 'timer');
    return {
      cancel: () => {
        this.#timers.delete(timer);
        cancel();
      },
    };
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        timer.cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = this.#setTimer(ms, end);
      signal?.addEventListener('abort', end, { once: true });
    });
  }
}
