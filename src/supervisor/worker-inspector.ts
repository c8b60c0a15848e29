import type {
  RestartedWorkerReport,
  StacksReport,
  WorkerDetailReport,
  WorkerRestartReport,
  WorkerRestartRequest,
  WorkerStackReport,
  WorkersReport,
  WorkersRequest,
} from '../control/messages/workers.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Pool, RunningDelivery, WorkerStack, WorkerStatus } from '../pool/pool.ts';
import type { ProcessUse } from './memory-use.ts';

/** How long the stacks of all workers together may take. */
const STACK_MS = 1_000;

/** Answers questions about single workers, and replaces them. A worker is called POOL/SLOT; POOL stands for all of its. */
export class WorkerInspector {
  readonly #pools: readonly Pool[];
  readonly #useOf: (pids: readonly number[]) => Promise<ReadonlyMap<number, ProcessUse>>;

  /** `useOf` never rejects. */
  constructor(
    pools: readonly Pool[],
    useOf: (pids: readonly number[]) => Promise<ReadonlyMap<number, ProcessUse>>,
  ) {
    this.#pools = pools;
    this.#useOf = useOf;
  }

  /** @throws ForkloopError ERR_OPTION_INVALID: no such pool or worker */
  async list({ workers: ids }: WorkersRequest): Promise<WorkersReport> {
    const found = this.#select(ids).map(({ pool, slot }) => ({
      pool,
      workers: pool.status().workers.filter((worker) => slot === null || worker.slot === slot),
    }));
    const pids = found.flatMap(({ workers }) => workers.flatMap(({ pid }) => (pid === null ? [] : [pid])));
    const use = await this.#useOf([...new Set(pids)]);
    const reports = found.flatMap(({ pool, workers }) => {
      const deliveries = pool.deliveries();
      return workers.map((worker) => detailReport(pool, worker, deliveries, use));
    });
    return { schema: 'forkloop.workers/1', workers: reports };
  }

  /** @throws ForkloopError ERR_OPTION_INVALID: no such pool or worker */
  async stacks({ workers: ids }: WorkersRequest): Promise<StacksReport> {
    const found = await Promise.all(
      this.#select(ids).map(async ({ pool, slot }) => {
        const stacks = await pool.stacks(STACK_MS);
        return stacks
          .filter((one) => slot === null || one.slot === slot)
          .map((one) => stackReport(pool, one));
      }),
    );
    return { schema: 'forkloop.stacks/1', stacks: found.flat() };
  }

  /** Resolves when each has been replaced, or could not be. @throws ForkloopError ERR_OPTION_INVALID as above */
  async restart({ workers: ids, all }: WorkerRestartRequest): Promise<WorkerRestartReport> {
    if (!all && ids.length === 0)
      throw new ForkloopError('ERR_OPTION_INVALID', 'say which workers: POOL/SLOT, POOL, or all of them');
    const chosen = this.#select(all ? [] : ids).flatMap(({ pool, slot }) => {
      const slots = slot === null ? pool.status().workers.map((worker) => worker.slot) : [slot];
      return [...new Set(slots)].map((one) => ({ pool, slot: one }));
    });
    const reports = chosen.map(async ({ pool, slot }): Promise<RestartedWorkerReport> => {
      const before = pool.status().workers.find((worker) => worker.slot === slot)?.pid ?? null;
      const { pid, error } = await pool.renew(slot);
      return { id: `${pool.name}/${slot}`, restarted: error === null, pid_before: before, pid, error };
    });
    return { schema: 'forkloop.worker-restart/1', workers: await Promise.all(reports) };
  }

  /** In the order of the pools, each once; none given = all. */
  #select(ids: readonly string[]): { pool: Pool; slot: number | null }[] {
    if (ids.length === 0) return this.#pools.map((pool) => ({ pool, slot: null }));
    const wanted = ids.map((id) => this.#find(id));
    return this.#pools.flatMap((pool) => {
      const slots = wanted.filter((one) => one.pool === pool).map(({ slot }) => slot);
      if (slots.includes(null)) return [{ pool, slot: null }];
      return [...new Set(slots)].map((slot) => ({ pool, slot }));
    });
  }

  #find(id: string): { pool: Pool; slot: number | null } {
    const [, name, digits] = /^([^/]+)(?:\/(\d{1,6}))?$/.exec(id) ?? [];
    const pool = this.#pools.find((one) => one.name === name);
    const slot = digits === undefined ? null : Number(digits);
    if (pool !== undefined && (slot === null || pool.status().workers.some((one) => one.slot === slot)))
      return { pool, slot };
    const names = this.#pools.map((one) => one.name).join(', ');
    const message = `there is no worker ${JSON.stringify(id)}: write a pool (${names}) or one of its workers, as "supervisor worker list" shows them`;
    throw new ForkloopError('ERR_OPTION_INVALID', message);
  }
}

function detailReport(
  pool: Pool,
  worker: WorkerStatus,
  deliveries: readonly RunningDelivery[],
  use: ReadonlyMap<number, ProcessUse>,
): WorkerDetailReport {
  const { slot, pid, state, stalled, generation, restarts, running, jobs, ageMs } = worker;
  const { kind, host } = pool.status();
  const used = pid === null ? undefined : use.get(pid);
  return {
    id: `${pool.name}/${slot}`,
    pool: pool.name,
    slot,
    kind,
    host,
    pid,
    state,
    stalled,
    generation,
    restarts,
    age_seconds: ageMs === null ? null : Math.round(ageMs / 1_000),
    jobs_done: jobs,
    jobs_running: running,
    longest: longestIn(worker, deliveries),
    rss_bytes: used?.rss ?? null,
    cpu_percent: used === undefined ? null : Math.round(used.cpuPercent * 10) / 10,
  };
}

/** Its job that has run longest. Two workers of one slot, while one replaces the other, differ in their process. */
function longestIn(
  { slot, pid }: WorkerStatus,
  deliveries: readonly RunningDelivery[],
): WorkerDetailReport['longest'] {
  let longest: RunningDelivery | null = null;
  for (const one of deliveries) {
    if (one.worker !== slot || one.pid !== pid || one.runMs === null) continue;
    if (longest === null || one.runMs > (longest.runMs ?? 0)) longest = one;
  }
  if (longest === null) return null;
  const { delivery, runMs } = longest;
  return {
    job_id: delivery.id,
    task: delivery.task,
    attempt: delivery.attempt,
    running_seconds: Math.round(runMs ?? 0) / 1_000,
  };
}

function stackReport(
  pool: Pool,
  { slot, pid, state, running, delivery, stack }: WorkerStack,
): WorkerStackReport {
  return {
    id: `${pool.name}/${slot}`,
    pool: pool.name,
    slot,
    pid,
    state,
    jobs_running: running,
    job_id: delivery?.id ?? null,
    task: delivery?.task ?? null,
    stack,
  };
}
