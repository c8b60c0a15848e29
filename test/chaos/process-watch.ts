/** Watches every process that has written to a history, and writes down when it is gone. */

import { readdirSync, readFileSync } from 'node:fs';
import { type Event, monotonicMs } from './history.ts';

const LOOK_MS = 25;

export class ProcessWatch {
  readonly #folder: string;
  readonly #record: (event: Event) => void;
  /** Start time, so that a later process of the same pid is not taken for it; when it was last seen. */
  readonly #known = new Map<number, { readonly startTime: string; lastSeen: number }>();
  readonly #gone = new Set<number>();
  readonly #timer: NodeJS.Timeout;

  constructor(folder: string, record: (event: Event) => void) {
    this.#folder = folder;
    this.#record = record;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
  }

  look(): void {
    for (const name of readdirSync(this.#folder)) {
      const pid = Number.parseInt(name, 10);
      if (pid === process.pid || this.#gone.has(pid)) continue;
      const now = monotonicMs();
      const startTime = startTimeOf(pid);
      const known = this.#known.get(pid);
      if (startTime !== null && (known === undefined || known.startTime === startTime)) {
        this.#known.set(pid, { startTime, lastSeen: now });
        continue;
      }
      this.#gone.add(pid);
      this.#record({ kind: 'process_gone', process: pid, lastSeen: known?.lastSeen ?? 0 });
    }
  }

  stop(): void {
    clearInterval(this.#timer);
    this.look();
  }
}

/** Null when it has ended, also when nobody has fetched its exit code. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
