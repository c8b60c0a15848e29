import type { Delivery } from '../../src/pool/pool.ts';
import type { Outcome } from '../../src/task/outcome.ts';
import { FakePool } from '../support/fake-pool.ts';
import type { Machine } from './machine.ts';
import type { Timeline } from './timeline.ts';

/** The longest that a run takes to end when it is aborted. */
export const ABORT_MS = 750;

/** How one attempt will go. */
export interface Attempt {
  readonly runMs: number;
  readonly outcome: Outcome;
}

export interface SimPoolOptions {
  readonly machine: Machine;
  readonly timeline: Timeline;
  readonly queues: readonly string[];
  readonly slots: number;
  /** A delivery starts to run: how it will go. */
  readonly onStart: (delivery: Delivery, pool: SimPool) => Attempt;
  /** Its delivery has been ended by force, as an async pool does it: the code runs on for a moment. */
  readonly onOutlived: (token: string) => void;
  /** Its process has ended, whether the master knows it or not. */
  readonly onEnd: (token: string) => void;
}

/** Of one run. */
interface Code {
  /** It runs on though its delivery has ended: what it answers is nobody's. */
  outlives: boolean;
}

/** Workers that go on while their master is stopped, and that are gone when it is dead. */
export class SimPool extends FakePool {
  readonly #options: SimPoolOptions;
  readonly #alive = new Map<string, Code>();

  constructor(options: SimPoolOptions) {
    super(options.queues, options.slots, ['work']);
    this.#options = options;
  }

  override run(batch: readonly Delivery[]): void {
    super.run(batch);
    for (const delivery of batch) this.#start(delivery);
  }

  /** Some end at once, some take their time; of some only the code does, their deliveries end at once. */
  override abort(tokens: readonly string[], reason: 'cancel' | 'drain' | 'lease_lost'): void {
    const { machine, timeline } = this.#options;
    for (const token of tokens) {
      if (!this.running.has(token)) continue;
      const digit = lastDigit(token);
      const [lasts, outlives] = [digit % 2 === 1, reason === 'lease_lost' && digit % 4 === 3];
      const code = this.#alive.get(token);
      const end = () => {
        if (this.#alive.get(token) !== code) return;
        this.#gone(token);
        if (!outlives) super.abort([token], reason);
      };
      if (lasts) timeline.after((ABORT_MS / 15) * digit, end, machine);
      else end();
      if (!outlives || code === undefined) continue;
      code.outlives = true;
      this.#options.onOutlived(token);
      super.abort([token], reason);
    }
  }

  override has(token: string): boolean {
    return super.has(token) || this.#alive.has(token);
  }

  /** Those that have not ended by the deadline are ended by force. */
  override async stop(deadline?: AbortSignal): Promise<void> {
    while (this.running.size > 0 && deadline?.aborted === false) {
      await this.#options.machine.clock.sleep(50, deadline);
    }
    this.die();
    await super.stop();
  }

  /** With their master. */
  die(): void {
    for (const token of [...this.#alive.keys()]) this.#gone(token);
  }

  #start(delivery: Delivery): void {
    const { machine, timeline, onStart } = this.#options;
    const { token } = delivery;
    const code: Code = { outlives: false };
    this.#alive.set(token, code);
    const { runMs, outcome } = onStart(delivery, this);
    timeline.after(runMs, () => {
      if (this.#alive.get(token) !== code) return;
      this.#gone(token);
      if (!code.outlives) timeline.after(0.1, () => this.end(token, outcome), machine);
    });
  }

  #gone(token: string): void {
    if (this.#alive.delete(token)) this.#options.onEnd(token);
  }
}

/** Of the job's id: no dice, so that what is drawn stays the same. */
const lastDigit = (token: string): number => Number.parseInt(token[35] ?? '0', 16);
