import type { ErrorRecord } from '../lib/errors.ts';
import type { Outcome } from '../task/outcome.ts';
import { blame } from './blame.ts';
import { causeOf, crashError, type ExitCause } from './exit-cause.ts';
import type { ExitInfo } from './host/host.ts';
import type { Flight } from './ledger.ts';
import type { WorkerHandle } from './worker-handle.ts';

export interface Findings {
  readonly cause: ExitCause;
  readonly outcomes: ReadonlyMap<Flight, Outcome>;
  /** False where a job that is known to crash its worker was in it: that says nothing of the pool. */
  readonly countsForPool: boolean;
}

/** Why a worker ended, and what that means for each delivery that is still inside it. */
export function inquest(worker: WorkerHandle, info: ExitInfo, kernelOutOfMemory: () => boolean): Findings {
  const { culprit, bootError, ending, wasReady, running, zombies, hungAt } = worker;
  const inside = [...worker.inside.values()];
  const error = bootError ?? culprit?.error ?? null;
  const unexplained = (ending === null || ending === 'drain') && info.signal === 'SIGKILL';
  const cause = causeOf({
    info,
    ending,
    wasReady,
    running: running > 0,
    error,
    stack: hungAt?.stack ?? null,
    kernelOutOfMemory: unexplained && kernelOutOfMemory(),
  });
  const crash = crashError(cause, info.lastWords, { own: culprit?.error.stack, hungAt: hungAt?.stack });
  const neverReady = worker.forOne && cause.kind === 'boot_failure';
  const byToken = blame({
    inside,
    zombies: zombies.size,
    planned: cause.kind !== 'crash',
    // What it hung in names the job as well as an error would.
    culprit: culprit ?? (hungAt === null ? null : { token: hungAt.token, error: crash }),
    error: crash,
  });
  const outcomes = new Map<Flight, Outcome>();
  for (const flight of inside) {
    const outcome = neverReady ? notRun(flight, crash) : byToken.get(flight.token);
    if (outcome !== undefined) outcomes.set(flight, outcome);
  }
  const countsForPool = inside.every(({ delivery }) => (delivery.crashes ?? 0) === 0);
  return { cause, outcomes, countsForPool };
}

/** A suspect whose worker did not start: at once the next would not either, and the pool would do nothing else. */
function notRun({ aborted }: Flight, error: ErrorRecord): Outcome {
  return aborted === null || aborted === 'timeout'
    ? { type: 'unstarted', error }
    : { type: 'interrupted', reason: aborted };
}
