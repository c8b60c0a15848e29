import type { StatusReport } from '../control/messages/daemon.ts';
import type { ControlHandlers } from '../control/protocol.ts';
import type { Clock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { Built } from './build.ts';
import type { DaemonLog } from './daemon-log.ts';
import type { Diagnosis } from './diagnosis.ts';
import { JobInspector } from './job-inspector.ts';
import { JobOperator } from './job-operator.ts';
import { useOf } from './memory-use.ts';
import { QueueOperator } from './queue-operator.ts';
import { resultTtlOf } from './queue-settings.ts';
import type { Reloader } from './reloader.ts';
import { scalePool } from './scaling.ts';
import { ScheduleInspector } from './schedule-inspector.ts';
import type { Supervisor } from './supervisor.ts';
import { WorkerInspector } from './worker-inspector.ts';

/** What the control socket's commands do. */
export function createHandlers(
  { broker, pools, scheduler }: Built,
  reloader: Reloader,
  report: () => Promise<StatusReport>,
  supervisor: () => Supervisor,
  diagnosis: () => Diagnosis,
  clock: Clock,
  log: Pick<DaemonLog, 'reopen'>,
): ControlHandlers {
  const inspector = new JobInspector(broker, pools, clock);
  const resultTtl = (queue: string) => resultTtlOf(reloader.config, queue);
  const queues = new QueueOperator({ broker, pools, resultTtlOf: resultTtl, newId });
  const names = pools.flatMap((pool) => pool.queues);
  const jobs = new JobOperator({ broker, queues: names, resultTtlOf: resultTtl });
  const schedules = new ScheduleInspector(scheduler);
  const workers = new WorkerInspector(pools, useOf);
  return {
    status: report,
    workers: (request) => workers.list(request),
    worker_stacks: (request) => workers.stacks(request),
    worker_restart: async (request) => {
      assertRunning(supervisor());
      return workers.restart(request);
    },
    jobs: (request) => inspector.list(request),
    job: (request) => inspector.show(request),
    job_retry: (request) => jobs.retry(request),
    job_delete: (request) => jobs.delete(request),
    queues: () => queues.list(),
    queue: (request) => queues.show(request),
    queue_pause: (request) => queues.setPaused(request, true),
    queue_resume: (request) => queues.setPaused(request, false),
    queue_purge: (request) => queues.purge(request),
    schedules: (request) => schedules.list(request),
    schedule: (request) => schedules.show(request),
    schedule_run: (request) => schedules.run(request),
    scale: async (request) => {
      assertRunning(supervisor());
      return scalePool(pools, request);
    },
    reload: ({ dry_run, all }) => {
      assertRunning(supervisor());
      return dry_run ? reloader.plan(all) : reloader.reload(all);
    },
    quiet: async ({ off }) => {
      if (!supervisor().setQuiet(!off))
        throw new ForkloopError('ERR_DRAINING', 'the daemon starts or stops: it cannot be told to be quiet');
      const running = pools.reduce((sum, pool) => sum + pool.inFlight, 0);
      return { schema: 'forkloop.quiet/1', pid: process.pid, state: supervisor().state, running };
    },
    health: async ({ probe }) => diagnosis().health(probe),
    dump: () => diagnosis().dump(),
    logs_reopen: async () => ({
      schema: 'forkloop.logs-reopen/1',
      pid: process.pid,
      file: await log.reopen(),
    }),
    stop: async ({ now }) => {
      const { drain_timeout, cold_grace } = reloader.config.shutdown;
      const deadline = (now ? 0 : drain_timeout) + cold_grace;
      // After the answer: the server that carries it is stopped too.
      clock.setTimer(1, () => supervisor().signal(now ? 'SIGQUIT' : 'SIGTERM'));
      return { schema: 'forkloop.stop/1', pid: process.pid, deadline_seconds: deadline / 1_000 };
    },
  };
}

function assertRunning({ works }: Supervisor): void {
  if (!works)
    throw new ForkloopError('ERR_DRAINING', 'the daemon is not running normally: it starts or stops');
}
