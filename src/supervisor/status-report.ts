import type { QueueStats } from '../broker/messages/operator.ts';
import { isoTimeOrNull } from '../control/job-report.ts';
import type { DaemonState, PoolReport, QueueReport, StatusReport } from '../control/messages/daemon.ts';
import { isoTime } from '../lib/clock.ts';
import type { PoolStatus } from '../pool/pool.ts';

/** What a status report is made of; times in EpochMs. */
export interface StatusFacts {
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  readonly state: DaemonState;
  readonly startedAt: number;
  readonly now: number;
  readonly broker: StatusReport['broker'];
  readonly pools: readonly PoolStatus[];
  readonly stats: ReadonlyMap<string, QueueStats>;
  /** Resident bytes by pid. */
  readonly memory: ReadonlyMap<number, number>;
  readonly log: StatusReport['log'];
  readonly launch: StatusReport['launch'];
  readonly config: StatusReport['config'];
}

export function statusReport(facts: StatusFacts): StatusReport {
  return {
    schema: 'forkloop.status/1',
    name: facts.name,
    pid: facts.pid,
    version: facts.version,
    state: facts.state,
    started_at: isoTime(facts.startedAt),
    uptime_seconds: Math.max(0, Math.round((facts.now - facts.startedAt) / 1_000)),
    broker: facts.broker,
    pools: facts.pools.map((pool) => poolReport(pool, facts.memory)),
    queues: facts.pools.flatMap((pool) =>
      pool.queues.map((name) => queueReport(name, pool.name, facts.stats.get(name))),
    ),
    log: facts.log,
    launch: facts.launch,
    config: facts.config,
  };
}

function poolReport(pool: PoolStatus, memory: ReadonlyMap<number, number>): PoolReport {
  const { name, kind, host, state, busy, concurrency, queues } = pool;
  const workers = pool.workers.map(({ slot, pid, state: workerState, stalled, restarts, generation }) => ({
    slot,
    pid,
    state: workerState,
    stalled,
    rss_bytes: pid === null ? null : (memory.get(pid) ?? null),
    restarts,
    generation,
  }));
  return { name, kind, host, state, workers, busy, concurrency, queues };
}

function queueReport(name: string, pool: string, stats: QueueStats | undefined): QueueReport {
  return {
    name,
    pool,
    ready: stats?.ready ?? null,
    delayed: stats?.delayed ?? null,
    in_flight: stats?.inFlight ?? null,
    dead: stats?.dead ?? null,
    oldest_ready_seconds:
      stats === undefined || stats.oldestReadyMs === null ? null : Math.round(stats.oldestReadyMs / 1_000),
    paused: stats === undefined ? null : stats.pause.pausedAt !== null,
    paused_since: isoTimeOrNull(stats?.pause.pausedAt ?? null),
  };
}
