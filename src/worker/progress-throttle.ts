import type { Clock } from '../lib/clock.ts';

type Report = { readonly done: number; readonly total: number | null };

const INTERVAL_MS = 250;

/**
 * Lets at most four reports a second of each job through; the last value wins. A handler that never yields is let
 * through too: the calls themselves look at the clock.
 */
export class ProgressThrottle {
  readonly #clock: Clock;
  readonly #send: (token: string, done: number, total: number | null) => void;
  readonly #sentAt = new Map<string, number>();
  readonly #pending = new Map<string, Report>();
  #armed = false;

  constructor(clock: Clock, send: (token: string, done: number, total: number | null) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  report(token: string, done: number, total: number | null): void {
    if (this.#wait(token) <= 0) {
      this.#pass(token, { done, total });
      return;
    }
    this.#pending.set(token, { done, total });
    this.#arm();
  }

  /** The job has ended: what is pending says nothing any more. */
  forget(token: string): void {
    this.#sentAt.delete(token);
    this.#pending.delete(token);
  }

  #pass(token: string, { done, total }: Report): void {
    this.#pending.delete(token);
    this.#sentAt.set(token, this.#clock.monotonic());
    this.#send(token, done, total);
  }

  /** Milliseconds until the next report of this job may leave. */
  #wait(token: string): number {
    const sentAt = this.#sentAt.get(token);
    return sentAt === undefined ? 0 : sentAt + INTERVAL_MS - this.#clock.monotonic();
  }

  #arm(): void {
    if (this.#armed || this.#pending.size === 0) return;
    this.#armed = true;
    const wait = Math.min(...[...this.#pending.keys()].map((token) => this.#wait(token)));
    this.#clock.setTimer(Math.max(1, Math.ceil(wait)), () => {
      this.#armed = false;
      for (const [token, report] of [...this.#pending]) if (this.#wait(token) <= 0) this.#pass(token, report);
      this.#arm();
    });
  }
}
