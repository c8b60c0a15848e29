import type { Clock } from '../lib/clock.ts';
import { Deadlines } from '../lib/deadlines.ts';
import type { Outcome } from '../task/outcome.ts';
import { stackText } from './host/stack.ts';
import type { Flight } from './ledger.ts';
import type { Ending } from './lifecycle.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** Code that goes on for so long after its job was ended costs the worker its place. */
const ZOMBIE_MS = 30_000;

/**
 * Ends by force what does not end by itself: at the hard limit, and when an abort was not heeded within its grace.
 *
 * A process worker is killed, and the job ends when the process is gone: no run overlaps the next. An async worker holds
 * others, so there the job ends at once, its late result is dropped, and the worker is replaced if its code runs on.
 */
export class Enforcer {
  readonly #clock: Clock;
  readonly #end: (flight: Flight, outcome: Outcome) => void;
  readonly #onZombie: (worker: WorkerHandle) => void;
  readonly #hardLimits: Deadlines<Flight>;
  readonly #graces: Deadlines<Flight>;
  readonly #zombies: Deadlines<{ readonly worker: WorkerHandle; readonly token: string }>;

  constructor(
    clock: Clock,
    end: (flight: Flight, outcome: Outcome) => void,
    onZombie: (worker: WorkerHandle) => void,
  ) {
    this.#clock = clock;
    this.#end = end;
    this.#onZombie = onZombie;
    this.#hardLimits = new Deadlines(clock, (flight) => this.#limitDue(flight));
    this.#graces = new Deadlines(clock, (flight) =>
      this.#force(flight, 'abort_ignored', { type: 'interrupted', reason: abortReason(flight) }),
    );
    this.#zombies = new Deadlines(clock, ({ worker, token }) => {
      if (worker.zombies.has(token)) this.#onZombie(worker);
    });
  }

  /** Its handler is called now (monotonic) or later: the limit counts from there. */
  limit(flight: Flight, now: number): void {
    if (flight.delivery.timeoutMs > 0) this.#hardLimits.set(flight, hardLimit(flight), now);
  }

  aborted(flight: Flight, graceMs: number): void {
    this.#graces.set(flight, graceMs);
  }

  ended(flight: Flight): void {
    this.#hardLimits.clear(flight);
    if (flight.aborted !== null) this.#graces.clear(flight);
  }

  stop(): void {
    this.#hardLimits.stop();
    this.#graces.stop();
    this.#zombies.stop();
  }

  #limitDue(flight: Flight): void {
    const now = this.#clock.monotonic();
    // One that has not begun by now cannot have passed its limit before this has gone by once more.
    const left = (flight.startedAt ?? now) + hardLimit(flight) - now;
    if (left > 0) this.#hardLimits.set(flight, left, now);
    else this.#force(flight, 'hard_timeout', hardTimeout(flight));
  }

  #force(flight: Flight, why: Ending, outcome: Outcome): void {
    const { worker } = flight;
    if (worker === null) return;
    if (flight.started && worker.boot.concurrency === 1) {
      flight.verdict = outcome;
      if (outcome.type === 'timed_out') void this.#killWithStack(flight, worker, why, outcome);
      else worker.kill(why);
      return;
    }
    // What waits in a buffer is not worth the life of the job before it: it ends here, and its abort is on its way.
    worker.release(flight, flight.started);
    if (flight.started) this.#zombies.set({ worker, token: flight.token }, ZOMBIE_MS);
    this.#end(flight, outcome);
    // Nothing else finds room in it. After a lost lease it is another matter: what was told just now is about to end.
    const isFull = worker.zombies.size >= worker.boot.concurrency;
    if (isFull && why === 'hard_timeout') this.#onZombie(worker);
  }

  /** Should the worker die meanwhile, the job ends by its verdict. */
  async #killWithStack(
    flight: Flight,
    worker: WorkerHandle,
    why: Ending,
    outcome: Extract<Outcome, { type: 'timed_out' }>,
  ): Promise<void> {
    const sample = await worker.stack(STACK_MS);
    // The job has ended by itself: the worker is sound, and may run the next.
    if (!worker.inside.has(flight.token)) return;
    if (sample !== null) {
      const { name, message } = outcome.error;
      flight.verdict = {
        ...outcome,
        error: { ...outcome.error, stack: stackText(name, message, sample.stack) },
      };
    }
    worker.kill(why);
  }
}

/** A job ends so much later at most for the sake of its stack. */
const STACK_MS = 200;

const hardLimit = ({ delivery: { timeoutMs, killAfterMs } }: Flight): number => timeoutMs + killAfterMs;

const abortReason = ({ aborted }: Flight) => (aborted === null || aborted === 'timeout' ? 'drain' : aborted);

function hardTimeout({ delivery: { timeoutMs, killAfterMs } }: Flight): Outcome {
  const message = `the job ran longer than its limit of ${timeoutMs} ms and did not end within ${killAfterMs} ms of the abort signal`;
  return {
    type: 'timed_out',
    limit: 'hard',
    error: { name: 'ForkloopError', code: 'ERR_JOB_TIMEOUT', message },
  };
}
