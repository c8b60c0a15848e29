import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { ExitCause } from './exit-cause.ts';
import { LINE_LIMIT } from './host/lines.ts';
import type { FromWorker } from './host/protocol.ts';
import type { StackSample } from './host/stack.ts';
import type { Ledger } from './ledger.ts';
import { LineQuota } from './line-quota.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** What a pool says of its workers, and what their code says through it. */
export class WorkerLog {
  readonly #logger: Logger;
  readonly #ledger: Ledger;
  readonly #clock: Clock;
  readonly #quotas = new Map<WorkerHandle, LineQuota>();

  constructor(logger: Logger, pool: string, ledger: Ledger, clock: Clock) {
    this.#clock = clock;
    this.#logger = logger.child({ pool });
    this.#ledger = ledger;
  }

  ready(worker: WorkerHandle, ms: number): void {
    this.#logger.info('worker ready', {
      worker: worker.boot.slot,
      worker_pid: worker.pid,
      ready_ms: Math.round(ms),
    });
  }

  exited(worker: WorkerHandle, cause: ExitCause, lastWords: string): void {
    this.#quotas.get(worker)?.end();
    this.#quotas.delete(worker);
    const { boot, pid, culprit, hungAt } = worker;
    const fields = {
      worker: boot.slot,
      worker_pid: pid,
      reason: cause.text,
      ...this.#jobOf(culprit?.token ?? hungAt?.token ?? null),
    };
    if (cause.kind === 'planned') {
      this.#logger.info('worker ended', fields);
      return;
    }
    this.#logger.error(cause.kind === 'crash' ? 'worker crashed' : 'worker did not start', {
      ...fields,
      ...(worker.running === 0 ? {} : { jobs: runningIn(worker) }),
      ...(hungAt === null ? {} : { stack: hungAt.stack }),
      ...(lastWords === '' ? {} : { last_words: lastWords }),
    });
  }

  stalled(worker: WorkerHandle, ms: number, sample: StackSample | null): void {
    this.#logger.warn('worker stalled: its job uses no processor time and does not answer', {
      worker: worker.boot.slot,
      worker_pid: worker.pid,
      still_ms: ms,
      ...this.#jobOf(runningTokenIn(worker)),
      ...(sample === null ? {} : { stack: sample.stack }),
    });
  }

  output(worker: WorkerHandle, stream: 'stdout' | 'stderr', line: string, token: string | null): void {
    if (!this.#quotaOf(worker).take()) return;
    const fields = { worker: worker.boot.slot, stream, ...this.#jobOf(token) };
    this.#logger.log(stream === 'stdout' ? 'info' : 'warn', line, fields);
  }

  task(worker: WorkerHandle, { token, level, message, fields }: Extract<FromWorker, { type: 'log' }>): void {
    if (!this.#quotaOf(worker).take()) return;
    const text = String(message).slice(0, LINE_LIMIT);
    this.#logger.log(level, text, { ...fields, worker: worker.boot.slot, ...this.#jobOf(token) });
  }

  #quotaOf(worker: WorkerHandle): LineQuota {
    const known = this.#quotas.get(worker);
    if (known !== undefined) return known;
    const quota = new LineQuota(this.#clock, (count) => {
      const fields = { worker: worker.boot.slot, count };
      this.#logger.warn('lines of a worker were dropped: it says more than the log takes', fields);
    });
    this.#quotas.set(worker, quota);
    return quota;
  }

  #jobOf(token: string | null): Record<string, unknown> {
    const delivery = token === null ? undefined : this.#ledger.get(token)?.delivery;
    // A job that has ended is known by its token only: it left something behind.
    if (delivery === undefined) return token === null ? {} : { ended_job: token };
    return { job_id: delivery.id, task: delivery.task, attempt: delivery.attempt };
  }
}

/** The log takes so many jobs of one worker. */
const LOGGED_JOBS = 20;

/** Ids of the jobs that it runs. */
function runningIn({ inside }: WorkerHandle): string[] {
  return [...inside.values()]
    .filter(({ started }) => started)
    .slice(0, LOGGED_JOBS)
    .map(({ delivery }) => delivery.id);
}

const runningTokenIn = ({ inside }: WorkerHandle): string | null =>
  [...inside.values()].find(({ started }) => started)?.token ?? null;
