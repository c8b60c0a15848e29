/**
 * Runs deliveries, at most `concurrency` at once; what is above that waits in the buffer.
 *
 *     open ──drain──▶ draining ──nothing runs──▶ done (`bye` was posted; the master answers with `exit`)
 */

import type { Clock } from '../lib/clock.ts';
import { Deadlines } from '../lib/deadlines.ts';
import { ForkloopError, toErrorRecord } from '../lib/errors.ts';
import type { FromWorker } from '../pool/host/protocol.ts';
import type { StartNotes } from '../pool/host/start-board.ts';
import type { AnyTask } from '../task/define.ts';
import type { AbortReason, Outcome } from '../task/outcome.ts';
import { Attempt, type AttemptServices, type AttemptSpec } from '../task/run.ts';
import { ProgressThrottle } from './progress-throttle.ts';

export interface RunnerOptions {
  readonly concurrency: number;
  readonly tasks: ReadonlyMap<string, AnyTask>;
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
  /** Where it is noted what begins; without, messages tell it. */
  readonly starts?: StartNotes | undefined;
}

/**
 * At most so many are told as started in one message: from one on, twice as many while handlers are light. They are those that
 * a sudden end of the worker is laid to.
 */
const SLICE = 64;
const LIGHT_MS = 1;
/** Handlers that took so long together before they first waited give the event loop a turn. */
const HEAVY_MS = 10;

type Ended = { readonly token: string; readonly outcome: Outcome };

interface Waiting {
  readonly spec: AttemptSpec;
  /** On the board of starts. */
  readonly place: number;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #services: AttemptServices;
  readonly #throttle: ProgressThrottle;
  readonly #running = new Map<string, Attempt>();
  #buffer: Waiting[] = [];
  /** The first so many of the buffer were told as started; they are called next. */
  #told = 0;
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

  run(deliveries: readonly AttemptSpec[]): void {
    const { starts } = this.#options;
    for (const spec of deliveries) this.#buffer.push({ spec, place: starts?.next() ?? 0 });
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

  /** Starts what there is room for, and tells what has ended by then. */
  #startNext(): void {
    if (!this.#yielding) this.#startWhatFits();
    if (this.#ended.length > 0) this.#flushInTime();
    this.#leaveIfDone();
  }

  /**
   * Handlers that work hard before they first wait must not keep the event loop for as long as all of them take together: the
   * rest waits for the next turn.
   */
  #startWhatFits(): void {
    if (this.#buffer.length === 0) return;
    const { concurrency, clock } = this.#options;
    const begun = clock.monotonic();
    let [now, sliceBegun] = [begun, begun];
    for (;;) {
      if (this.#told === 0) this.#tell(Math.min(concurrency - this.#running.size, this.#slice));
      if (this.#told === 0) return;
      while (this.#told > 0) {
        this.#told -= 1;
        this.#call(this.#buffer.shift() as Waiting, now);
        now = clock.monotonic();
        if (now - begun > HEAVY_MS) {
          this.#slice = 1;
          this.#yield();
          return;
        }
      }
      this.#slice =
        now - sliceBegun > LIGHT_MS ? Math.max(1, this.#slice >> 2) : Math.min(SLICE, this.#slice * 2);
      sliceBegun = now;
    }
  }

  #yield(): void {
    this.#yielding = true;
    setImmediate(() => {
      this.#yielding = false;
      this.#startNext();
    });
  }

  /** Before any of them is called: if one takes the process down, the master knows which could be the cause. */
  #tell(count: number): void {
    this.#told = Math.max(0, Math.min(count, this.#buffer.length));
    if (this.#told === 0 || this.#options.starts !== undefined) return;
    this.flush(this.#buffer.slice(0, this.#told).map(({ spec }) => spec.token));
  }

  #call({ spec, place }: Waiting, now: number): void {
    const { tasks, starts } = this.#options;
    starts?.note(place, now);
    const task = tasks.get(spec.task);
    if (task === undefined) {
      this.#finish(spec.token, unknownTask(spec.task));
      return;
    }
    const attempt = new Attempt(task, spec, this.#services);
    // Before the call: what it throws out of its turn is laid to what runs.
    this.#running.set(spec.token, attempt);
    const outcome = attempt.run(now);
    if (outcome instanceof Promise) void outcome.then((late) => this.#end(spec.token, late));
    else this.#finish(spec.token, outcome);
  }

  #finish(token: string, outcome: Outcome): void {
    this.#running.delete(token);
    this.#throttle.forget(token);
    this.#ended.push({ token, outcome });
  }

  #end(token: string, outcome: Outcome): void {
    this.#finish(token, outcome);
    if (this.#options.concurrency === 1) this.#startNext();
    else this.#flushInTime();
    this.#leaveIfDone();
  }

  #handBack(which: (spec: AttemptSpec) => boolean): void {
    const isBack = ({ spec }: Waiting) => which(spec);
    const back = this.#buffer.filter(isBack);
    if (back.length === 0) return;
    this.#told -= this.#buffer.slice(0, this.#told).filter(isBack).length;
    this.#buffer = this.#buffer.filter((waiting) => !isBack(waiting));
    for (const { spec } of back)
      this.#ended.push({ token: spec.token, outcome: { type: 'interrupted', reason: 'handed_back' } });
    this.flush();
  }

  /** Among many, what ends in one turn of the event loop travels in one message, with what begins in its place. */
  #flushInTime(): void {
    if (this.#options.concurrency === 1) {
      this.flush();
      return;
    }
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#startNext();
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
