import type { DumpReport, StatusReport } from '../control/messages/daemon.ts';
import type { Logger } from '../lib/logger.ts';
import type { Pool } from '../pool/pool.ts';

export interface DumpFacts {
  readonly status: StatusReport;
  readonly pools: readonly Pool[];
  readonly stacks: DumpReport['stacks'];
  readonly leases: DumpReport['leases'];
  readonly stuck: readonly string[];
  readonly loopAgeMs: number;
}

/** Everything at once that explains what a daemon does, the jobs that have run longest first. */
export function dumpReport({ status, pools, stacks, leases, stuck, loopAgeMs }: DumpFacts): DumpReport {
  const inFlight = pools.flatMap((pool) =>
    pool.deliveries().map(({ delivery, worker, pid, runMs, progress }) => ({
      pool: pool.name,
      job_id: delivery.id,
      task: delivery.task,
      queue: delivery.queue,
      attempt: delivery.attempt,
      worker,
      pid,
      running_seconds: runMs === null ? null : Math.round(runMs) / 1_000,
      progress,
    })),
  );
  return {
    schema: 'forkloop.dump/1',
    status,
    in_flight: inFlight.sort((a, b) => (b.running_seconds ?? -1) - (a.running_seconds ?? -1)),
    stacks: stacks.filter(({ jobs_running }) => jobs_running > 0),
    leases,
    stuck,
    loop_age_ms: Math.round(loopAgeMs),
  };
}

/** The log takes so many jobs; the command answers them all. */
const LOGGED_JOBS = 200;

/** One record for the state, one for each job, one for each worker whose code was found. */
export function logDump(
  log: Logger,
  { status, in_flight, stacks, leases, stuck, loop_age_ms }: DumpReport,
): void {
  const { state, broker, pools, queues } = status;
  log.info('dump: state', {
    state,
    broker,
    pools,
    queues,
    leases,
    stuck,
    loop_age_ms,
    in_flight: in_flight.length,
  });
  for (const job of in_flight.slice(0, LOGGED_JOBS)) log.info('dump: job in flight', { ...job });
  const left = in_flight.length - LOGGED_JOBS;
  if (left > 0) log.info('dump: more jobs are in flight; "supervisor dump" shows them all', { count: left });
  for (const { id, pid, job_id, task, stack } of stacks) {
    if (stack !== null) log.info('dump: stack', { worker: id, worker_pid: pid, job_id, task, stack });
  }
}
