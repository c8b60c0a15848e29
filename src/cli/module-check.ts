import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../lib/clock.ts';
import type { Task } from '../task/define.ts';
import { loadTasks } from '../task/module-loader.ts';
import { type Streams, withoutStdout } from './task-modules.ts';

const LIMIT_MS = 10_000;

export interface ModuleCheck {
  readonly tasks: ReadonlyMap<string, Task>;
  /** Why they cannot be used; none when they can. */
  readonly faults: readonly string[];
}

/** Loads the task modules in this process, as a worker would, all that can be. Bounded in time. */
export async function checkModules(
  { modules }: LoadedConfig,
  { clock, stdout, stderr }: Streams & { readonly clock: Clock },
): Promise<ModuleCheck> {
  const late = new AbortController();
  const faults: string[] = [];
  const tell = (error: unknown) => faults.push(error instanceof Error ? error.message : String(error));
  const load = () =>
    loadTasks(modules, tell).catch((error: unknown) => {
      tell(error);
      return NONE;
    });
  const limit = clock.sleep(LIMIT_MS, late.signal).then(() => null);
  const tasks = await withoutStdout({ stdout, stderr }, () => Promise.race([load(), limit]));
  late.abort();
  if (tasks === null) faults.push(LATE);
  return { tasks: tasks ?? NONE, faults };
}

const NONE: ReadonlyMap<string, Task> = new Map();
const LATE = `the task modules did not load within ${LIMIT_MS / 1_000} s: something waits at their top level`;
