import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../lib/clock.ts';
import { loadTasks } from '../task/module-loader.ts';

const LIMIT_MS = 10_000;

type Tasks = Awaited<ReturnType<typeof loadTasks>>;

/** Loads the task modules in this process, as a worker would; why they cannot be used, if so. Bounded in time. */
export async function checkModules({ modules }: LoadedConfig, clock: Clock): Promise<Tasks | string> {
  const late = new AbortController();
  const loaded = loadTasks(modules).catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  const result = await Promise.race([loaded, clock.sleep(LIMIT_MS, late.signal).then(() => LATE)]);
  late.abort();
  return result;
}

const LATE = `the task modules did not load within ${LIMIT_MS / 1_000} s: something waits at their top level`;
