import type { LoadedConfig } from '../config/load.ts';
import type { StatusReport } from '../control/messages/daemon.ts';
import type { Clock } from '../lib/clock.ts';
import type { AssembleOptions } from './assemble.ts';
import type { Built } from './build.ts';
import type { DaemonLog } from './daemon-log.ts';
import { memoryOf } from './memory-use.ts';
import { QueueStatsCache } from './queue-stats.ts';
import type { Reloader } from './reloader.ts';
import { statusReport } from './status-report.ts';

/** Tells how the daemon is, from what it knows. */
export function createStatusReporter(
  { loaded, version, launch }: Pick<AssembleOptions, 'loaded' | 'version' | 'launch'>,
  { broker, pools, consumers }: Built,
  reloader: Reloader,
  clock: Clock,
  log: Pick<DaemonLog, 'file' | 'dropped'>,
) {
  const startedAt = clock.now();
  const queues = pools.flatMap((pool) => pool.queues);
  const stats = new QueueStatsCache(broker, queues, clock);
  // One that answers reads and refuses every write, as with a disk that is full, is of no use.
  const up = () => broker.up && !consumers.some(({ sessions }) => sessions.some(isFenced));
  return async (state: StatusReport['state']): Promise<StatusReport> => {
    const statuses = pools.map((pool) => pool.status());
    const pids = statuses.flatMap(({ workers }) => workers.flatMap(({ pid }) => (pid === null ? [] : [pid])));
    const [known, memory] = await Promise.all([stats.read(), memoryOf([...new Set(pids)])]);
    return statusReport({
      name: loaded.config.name,
      version,
      pid: process.pid,
      state,
      startedAt,
      now: clock.now(),
      broker: { type: broker.type, up: up(), location: locationOf(loaded) },
      pools: statuses,
      stats: known,
      memory,
      log: { file: log.file, dropped: log.dropped },
      launch,
      config: { path: loaded.path, generation: reloader.generation, last_reload: reloader.last },
    });
  };
}

const isFenced = ({ state }: { readonly state: string }): boolean => state === 'fenced';

/** Where the broker is, without the credentials that a URL may hold. */
function locationOf({ config: { broker } }: LoadedConfig): string {
  if (broker.type === 'embedded') return broker.path;
  const { protocol, host, pathname } = new URL(broker.url);
  return `${protocol}//${host}${pathname}`;
}
