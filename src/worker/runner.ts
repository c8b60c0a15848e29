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

type Ended = { readonly token: string; readonly outcome: Outcome };

export class Runner {
  readonly #options: RunnerOptions;
  readonly #services: AttemptServices;
  readonly #throttle: ProgressThrottle;
  readonly #running = new Map<string, Attempt>();
  #buffer: Delivery[] = [];
  #ended: Ended[] = [];
  #flushing = false;
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

  #startNext(): void {
    const room = this.#options.concurrency - this.#running.size;
    const next = this.#buffer.splice(0, room);
    // Told before any of them is called: if one takes the process down, the master knows which could be the cause.
    this.flush(next.map(({ token }) => token));
    for (const delivery of next) {
      const task = this.#options.tasks.get(delivery.task);
      if (task === undefined) this.#end(delivery.token, unknownTask(delivery.task));
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
