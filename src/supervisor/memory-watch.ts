import type { Clock, Timer } from '../lib/clock.ts';
import type { WatchMemory } from '../pool/options.ts';
import { memoryOf } from './memory-use.ts';

const INTERVAL_MS = 2_000;

interface Watcher {
  readonly pids: () => readonly number[];
  readonly onSample: (rss: ReadonlyMap<number, number>) => void;
}

/** Weighs the workers of all pools that want to know every 2 s, in one call. Rests while nobody watches. */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #measure: (pids: readonly number[]) => Promise<ReadonlyMap<number, number>>;
  readonly #watchers = new Set<Watcher>();
  #timer: Timer | null = null;

  /** `measure` never rejects. */
  constructor(clock: Clock, measure = memoryOf) {
    this.#clock = clock;
    this.#measure = measure;
  }

  readonly watch: WatchMemory = (pids, onSample) => {
    const watcher = { pids, onSample };
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) this.#arm();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#timer?.cancel();
    };
  };

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.setTimer(INTERVAL_MS, () => void this.#look());
  }

  async #look(): Promise<void> {
    const pids = [...this.#watchers].flatMap((watcher) => watcher.pids());
    const rss = await this.#measure(pids);
    for (const { onSample } of [...this.#watchers]) onSample(rss);
    if (this.#watchers.size > 0) this.#arm();
  }
}
