/**
 * Decides when the start of a pool is over: with the first ready worker, or with the certainty that none comes. A module
 * that does not load stays broken; a worker that only died may have had bad luck, twice.
 */

import { ForkloopError } from '../lib/errors.ts';
import type { WorkerHandle } from './worker-handle.ts';

const DEATHS_IN_START = 3;

export class StartGate {
  readonly opened: Promise<void>;
  #resolve: () => void = () => {};
  #reject: (error: ForkloopError) => void = () => {};
  readonly #pool: string;
  #deaths = 0;
  #last = '';

  constructor(pool: string) {
    this.#pool = pool;
    this.opened = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever starts the pool awaits it; without a start nobody does.
    this.opened.catch(() => {});
  }

  ready(): void {
    this.#resolve();
  }

  bootFailed(worker: WorkerHandle, text: string, lastWords: string): void {
    this.#last = `; the last one: ${text}`;
    // A process that could not be forked may be another time: what it lacked may come back.
    if (worker.pid !== null) this.#deaths += 1;
    const final = worker.bootError !== null || worker.ending === 'ready_timeout';
    if (final || this.#deaths >= DEATHS_IN_START) this.fail(text, lastWords);
  }

  /** Nothing has come of the start in all this time. */
  late(ms: number): void {
    this.fail(`none in ${ms} ms${this.#last}`);
  }

  fail(text: string, lastWords = ''): void {
    const words = lastWords === '' ? '' : `; last words: ${lastWords}`;
    this.#reject(
      new ForkloopError('ERR_POOL_NOT_READY', `pool ${this.#pool}: no worker is ready: ${text}${words}`),
    );
  }
}
