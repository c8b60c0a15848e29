import pidusage from 'pidusage';

/** Resident bytes of processes, all asked in one call; one that is gone is absent. Never rejects. */
export async function memoryOf(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  if (pids.length === 0) return new Map();
  try {
    const found = await pidusage([...pids]);
    return new Map(
      Object.entries(found).flatMap(([pid, use]) => (use ? [[Number(pid), use.memory] as const] : [])),
    );
  } catch {
    return memoryOneByOne(pids);
  }
}

/** pidusage fails as a whole when one process is gone. */
async function memoryOneByOne(pids: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const uses = await Promise.allSettled(
    pids.map(async (pid) => [pid, (await pidusage(pid)).memory] as const),
  );
  return new Map(uses.flatMap((use) => (use.status === 'fulfilled' ? [use.value] : [])));
}
