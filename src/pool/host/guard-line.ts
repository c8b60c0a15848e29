import type { Duplex } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import type { GuardAnswer } from './protocol.ts';
import { type StackSample, stackSample } from './stack.ts';

/** More than this is no answer of a guard. */
const ANSWER_LIMIT = 64 * 1024 * 1024;

/**
 * The master's end of the pipe to the guard of a forked worker, which answers while the worker's own thread spins. One
 * question at a time is under way; who asks meanwhile shares its answer.
 */
export class GuardLine {
  readonly #pipe: Duplex;
  readonly #clock: Clock;
  #asked: Promise<StackSample | null> | null = null;
  #answer: (answer: GuardAnswer) => void = () => {};
  #number = 0;
  #text = '';

  constructor(pipe: Duplex, clock: Clock) {
    this.#pipe = pipe;
    this.#clock = clock;
    pipe.setEncoding('utf8');
    pipe.on('data', (text: string) => this.#read(text));
    // The worker has died; `exit` tells.
    pipe.on('error', () => {});
    pipe.on('close', () => this.#answer(null));
  }

  /** Null when no JavaScript runs there, or the answer does not come within `ms`. Never rejects. */
  stack(ms: number): Promise<StackSample | null> {
    this.#asked ??= this.#ask(ms).finally(() => {
      this.#asked = null;
    });
    return this.#asked;
  }

  #ask(ms: number): Promise<StackSample | null> {
    if (!this.#pipe.writable) return Promise.resolve(null);
    this.#number += 1;
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(ms, () => this.#answer(null));
      this.#answer = (answer) => {
        timer.cancel();
        this.#answer = () => {};
        resolve(stackSample(answer));
      };
      this.#pipe.write(`${JSON.stringify({ number: this.#number, ms })}\n`);
    });
  }

  #read(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    if (this.#text.length > ANSWER_LIMIT) this.#text = '';
    for (const line of lines) {
      try {
        const { number, answer } = JSON.parse(line) as { number: number; answer: GuardAnswer };
        if (number === this.#number) this.#answer(answer);
      } catch {
        // Code of the user has written to our descriptor.
      }
    }
  }
}
