import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { Handover } from './handover.ts';
import type { WatchMemory } from './options.ts';
import {
  type Lifetime,
  lifetimeOf,
  type RecyclePolicy,
  type RecycleReason,
  recycleReason,
} from './recycle.ts';
import type { Slot } from './slot.ts';
import type { WorkerHandle } from './worker-handle.ts';

export interface RecyclerOptions {
  readonly policy: RecyclePolicy;
  /** After a replacement that did not start. */
  readonly retryMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly watchMemory: WatchMemory;
  readonly handover: Handover;
  readonly slots: () => readonly Slot[];
  /** Also those that are leaving. */
  readonly workers: Iterable<WorkerHandle>;
}

/** A timer cannot wait for a month. */
const LONGEST_WAIT_MS = 86_400_000;

/** Replaces workers that have served their time, one at a time, and kills what takes too much memory. */
export class Recycler {
  readonly #options: RecyclerOptions;
  readonly #lifetimes = new WeakMap<WorkerHandle, Lifetime>();
  #policy: RecyclePolicy;
  #rss: ReadonlyMap<number, number> = new Map();
  #timer: Timer | null = null;
  #unwatch: (() => void) | null = null;
  #notBefore = 0;
  #state: 'idle' | 'running' | 'stopped' = 'idle';

  constructor(options: RecyclerOptions) {
    this.#options = options;
    this.#policy = options.policy;
  }

  start(): void {
    this.#state = 'running';
    this.#watch();
  }

  /** Of workers that start from now on. */
  adopt(policy: RecyclePolicy): void {
    this.#policy = policy;
    this.#watch();
  }

  #watch(): void {
    const { watchMemory, workers } = this.#options;
    this.#unwatch?.();
    this.#unwatch = null;
    if (this.#policy.maxRss === undefined) return;
    const pids = () =>
      [...workers].map(({ pid }) => pid).filter((pid) => pid !== null && pid !== process.pid);
    this.#unwatch = watchMemory(pids as () => number[], (rss) => this.#weigh(rss));
  }

  stop(): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
    this.#unwatch?.();
  }

  /** A job has ended in it. */
  ended(worker: WorkerHandle): void {
    if (worker.jobs >= this.#lifetimeOf(worker).jobs) this.look();
  }

  /** Begins the next replacement that is due, if none is under way, and sees to it that the one after is not missed. */
  look(): void {
    this.#timer?.cancel();
    this.#timer = null;
    const { handover, clock } = this.#options;
    if (this.#state !== 'running' || handover.busy) return;
    const now = clock.monotonic();
    if (now >= this.#notBefore) {
      for (const slot of this.#options.slots()) {
        const reason = slot.worker === null ? null : this.#reason(slot.worker, now);
        if (slot.worker === null || reason === null) continue;
        void this.#replace(slot, slot.worker, reason);
        return;
      }
    }
    this.#wakeAt(now);
  }

  async #replace(slot: Slot, worker: WorkerHandle, reason: RecycleReason): Promise<void> {
    const { handover, clock, logger, retryMs } = this.#options;
    const about = { worker: slot.index, worker_pid: worker.pid, reason };
    const rss = this.#rssOf(worker);
    const age = Math.round(clock.monotonic() - worker.bornAt);
    logger.info('recycling worker', { ...about, jobs: worker.jobs, age_ms: age, rss_bytes: rss });
    await handover.turn(async () => {
      const end = await handover.replace(slot, { probationMs: 0 });
      if (end.type !== 'failed') return;
      this.#notBefore = clock.monotonic() + retryMs;
      const { cause, lastWords } = end;
      logger.error('the replacement did not start, the worker stays', {
        ...about,
        cause: cause.text,
        ...(lastWords === '' ? {} : { last_words: lastWords }),
      });
    });
  }

  #weigh(rss: ReadonlyMap<number, number>): void {
    this.#rss = rss;
    for (const worker of this.#options.workers) {
      const used = this.#rssOf(worker);
      const { hardRss } = this.#lifetimeOf(worker);
      if (used === null || used <= hardRss || worker.ending === 'memory') continue;
      this.#options.logger.warn('worker killed: its memory is beyond max_rss.hard', {
        worker: worker.boot.slot,
        worker_pid: worker.pid,
        rss_bytes: used,
        limit_bytes: hardRss,
      });
      worker.kill('memory');
    }
    this.look();
  }

  #reason(worker: WorkerHandle, now: number): RecycleReason | null {
    if (!worker.open) return null;
    const record = { jobs: worker.jobs, ageMs: now - worker.bornAt, rss: this.#rssOf(worker) };
    return recycleReason(this.#lifetimeOf(worker), record);
  }

  /** A thread shares the memory of this process: it has none of its own to weigh. */
  #rssOf({ pid }: WorkerHandle): number | null {
    return pid === null || pid === process.pid ? null : (this.#rss.get(pid) ?? null);
  }

  #lifetimeOf(worker: WorkerHandle): Lifetime {
    let lifetime = this.#lifetimes.get(worker);
    if (lifetime === undefined) {
      lifetime = lifetimeOf(this.#policy, this.#options.random);
      this.#lifetimes.set(worker, lifetime);
    }
    return lifetime;
  }

  /** Everything but age brings its own event. */
  #wakeAt(now: number): void {
    const { slots, clock } = this.#options;
    const open = slots().flatMap(({ worker }) => (worker?.open ? [worker] : []));
    const due = open.map((worker) => worker.bornAt + this.#lifetimeOf(worker).ageMs);
    const at = Math.max(Math.min(...due), this.#notBefore);
    if (at === Number.POSITIVE_INFINITY) return;
    const wait = Math.min(LONGEST_WAIT_MS, Math.max(1, Math.ceil(at - now)));
    this.#timer = clock.setTimer(wait, () => this.look());
  }
}
