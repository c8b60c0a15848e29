import { writeFileSync } from 'node:fs';

/** When memory runs out the kernel ends a worker before the master: the worker is replaced. Linux only. */
export function offerToOomKiller(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500');
  } catch {
    // Elsewhere, or not allowed: the kernel decides by size alone.
  }
}
