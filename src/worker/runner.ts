/**
 * Runs deliveries, at most `concurrency` at once; what is above that waits in the buffer.
 *
 *     open ──drain──▶ draining ──nothing runs──▶ done (`bye` was posted; the master answers with `exit`)
 */

import type { Clock } from '../lib/clock.ts';
import { Deadlines } from '../lib/deadlines.ts';
import { ForkloopError, toErrorRecord } from '../lib/errors.ts';
import type { FromWorker } from '../pool/host/protocol.ts';
import type { Delivery } from '../pool/pool.ts';
import type { AnyTask } from '../task/define.ts';
import type { AbortReason, Outcome } from '../task/outcome.ts';
import { Attempt, type AttemptServices } from '../task/run.ts';
import { ProgressThrottle } from './progress-throttle.ts';

export interface RunnerOptions {
  readonly concurrency: number;
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
}

/** At most so many are started before the clock is looked at: from one on, twice as many each time it took no time. */
const SLICE = 4;
const HEAVY_MS = 10;

type Ended = { readonly token: string; readonly outcome: Outcome };

export class Runner {
  readonly #options: RunnerOptions;
  readonly #services: AttemptServices;
  readonly #throttle: ProgressThrottle;
  readonly #running = new Map<string, Attempt>();
  #buffer: Delivery[] = [];
  #ended: Ended[] = [];
  #flushing = false;
  #slice = 1;
  #yielding = false;
  #state: 'open' | 'draining' | 'done' = 'open';

  constructor(options: RunnerOptions) {
    const { clock, post } = options;
    this.#options = options;
    this.#throttle = new ProgressThrottle(clock, (token, done, total) =>
      post({ type: 'progress', token, done, total }),
    );
    this.#services = {
      clock,
      softLimits: new Deadlines<Attempt>(clock, (attempt) => attempt.abort('timeout')),
      log: (token, level, message, fields) => post({ type: 'log', token, level, message, fields }),
      progress: (token, done, total) => this.#throttle.report(token, done, total),
    };
  }

  run(deliveries: readonly Delivery[]): void {
    this.#buffer.push(...deliveries);
    if (this.#state === 'open') this.#startNext();
    else this.handBack();
  }

  abort(tokens: readonly string[], reason: AbortReason): void {
    for (const token of tokens) this.#running.get(token)?.abort(reason);
    const aborted = new Set(tokens);
    this.#handBack(({ token }) => aborted.has(token));
  }

  handBack(): void {
    this.#handBack(() => true);
  }

  drain(): void {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    this.handBack();
    this.#leaveIfDone();
  }

  /** Posts what has ended and was not told yet. */
  flush(started: readonly string[] = []): void {
    const ended = this.#ended;
    if (ended.length > 0) {
      this.#ended = [];
      this.#options.post({ type: 'ended', ended, ...(started.length === 0 ? {} : { started }) });
    } else if (started.length > 0) {
      this.#options.post({ type: 'started', tokens: started });
    }
  }

  /**
   * Starts what there is room for. Handlers that work hard before they first wait must not keep the event loop for as long
   * as all of them take together: after a slice that took long the rest waits for the next turn.
   */
  #startNext(): void {
    if (this.#yielding) return;
    let room = this.#options.concurrency - this.#running.size;
    while (room > 0 && this.#buffer.length > 0) {
      const begun = this.#options.clock.monotonic();
      this.#startSlice(Math.min(room, this.#slice));
      const heavy = this.#options.clock.monotonic() - begun > HEAVY_MS;
      this.#slice = heavy ? 1 : Math.min(SLICE, this.#slice * 2);
      if (heavy && this.#options.concurrency > 1) {
        this.#yield();
        return;
      }
      room = this.#options.concurrency - this.#running.size;
    }
  }

  #yield(): void {
    this.#yielding = true;
    setImmediate(() => {
      this.#yielding = false;
      this.#startNext();
    });
  }

  #startSlice(count: number): void {
    const next = this.#buffer.splice(0, count);
    // Told before any of them is called: if one takes the process down, the master knows which could be the cause.
    this.flush(next.map(({ token }) => token));
    for (const delivery of next) {
      const task = this.#options.tasks.get(delivery.task);
      if (task === undefined) queueMicrotask(() => this.#end(delivery.token, unknownTask(delivery.task)));
      else this.#start(task, delivery);
    }
  }

  #start(task: AnyTask, delivery: Delivery): void {
    const attempt = new Attempt(task, delivery, this.#services);
    this.#running.set(delivery.token, attempt);
    void attempt.run().then((outcome) => this.#end(delivery.token, outcome));
  }

  #end(token: string, outcome: Outcome): void {
    this.#running.delete(token);
    this.#throttle.forget(token);
    this.#ended.push({ token, outcome });
    if (this.#buffer.length > 0) this.#startNext();
    else if (this.#options.concurrency === 1) this.flush();
    else this.#flushSoon();
    this.#leaveIfDone();
  }

  #handBack(which: (delivery: Delivery) => boolean): void {
    const back = this.#buffer.filter(which);
    if (back.length === 0) return;
    this.#buffer = this.#buffer.filter((delivery) => !which(delivery));
    for (const { token } of back)
      this.#ended.push({ token, outcome: { type: 'interrupted', reason: 'handed_back' } });
    this.flush();
  }

  /** What ends in one turn of the event loop travels in one message. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  #leaveIfDone(): void {
    if (this.#state !== 'draining' || this.#running.size > 0) return;
    this.#state = 'done';
    this.flush();
    this.#options.post({ type: 'bye' });
  }
}

function unknownTask(name: string): Outcome {
  const error = new ForkloopError('ERR_TASK_UNKNOWN', `no module of this daemon defines the task ${name}`);
  return { type: 'failed', error: toErrorRecord(error), retryable: true };
}
