import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How often the kernel has ended a process of this control group, or of one below it; null where that cannot be read. */
export type CountOomKills = () => number | null;

/** Tells whether the kernel may have killed a worker: whether its count of such ends has risen. Each rise explains one end. */
export class KernelOom {
  readonly #count: CountOomKills;
  #explained: number;

  constructor(count: CountOomKills = countOomKills) {
    this.#count = count;
    this.#explained = count() ?? 0;
  }

  explainsOne = (): boolean => {
    if ((this.#count() ?? 0) <= this.#explained) return false;
    this.#explained += 1;
    return true;
  };
}

/** By control group version 2; elsewhere nothing is known. */
function countOomKills(): number | null {
  try {
    const group = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    if (group === undefined) return null;
    return parseOomKills(readFileSync(join('/sys/fs/cgroup', group, 'memory.events'), 'utf8'));
  } catch {
    return null;
  }
}

export function parseOomKills(events: string): number | null {
  const count = /^oom_kill (\d+)$/m.exec(events)?.[1];
  return count === undefined ? null : Number(count);
}
