import { KERNEL_TELLS, residentBytes } from './resident-memory.ts';

export interface ProcessUse {
  /** Resident bytes. */
  readonly rss: number;
  /** Of one core, since it was asked last; the first time, since it was started. */
  readonly cpuPercent: number;
}

/**
 * Resident bytes of processes; one that is gone is absent. Never rejects. Read where the kernel tells it: a daemon is weighed
 * when it has just begun, and the first call of pidusage starts two programs.
 */
export async function memoryOf(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (!KERNEL_TELLS) return new Map([...(await useOf(pids))].map(([pid, { rss }]) => [pid, rss]));
  const known = new Map<number, number>();
  for (const pid of pids) {
    const bytes = residentBytes(pid);
    if (bytes !== null) known.set(pid, bytes);
  }
  return known;
}

/** What was asked last. Never rejects. */
let asking: Promise<unknown> = Promise.resolve();

/**
 * What processes use, all asked in one call; one that is gone is absent. Never rejects. One after the other: of two calls at
 * once that are the first for a process, pidusage would keep a descriptor open for good.
 */
export function useOf(pids: readonly number[]): Promise<ReadonlyMap<number, ProcessUse>> {
  if (pids.length === 0) return Promise.resolve(new Map());
  const asked = asking.then(() => ask([...new Set(pids)]));
  asking = asked;
  return asked;
}

async function ask(pids: readonly number[]): Promise<ReadonlyMap<number, ProcessUse>> {
  const { default: pidusage } = await import('pidusage');
  try {
    const found = await pidusage([...pids]);
    return new Map(
      Object.entries(found).flatMap(([pid, use]) =>
        use ? [[Number(pid), { rss: use.memory, cpuPercent: use.cpu }] as const] : [],
      ),
    );
  } catch {
    return useOneByOne(pidusage, pids);
  }
}

/** pidusage fails as a whole when one process is gone. */
async function useOneByOne(
  pidusage: typeof import('pidusage'),
  pids: readonly number[],
): Promise<ReadonlyMap<number, ProcessUse>> {
  const uses = await Promise.allSettled(
    pids.map(async (pid) => {
      const { memory, cpu } = await pidusage(pid);
      return [pid, { rss: memory, cpuPercent: cpu }] as const;
    }),
  );
  return new Map(uses.flatMap((use) => (use.status === 'fulfilled' ? [use.value] : [])));
}
