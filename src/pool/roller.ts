/**
 * Replaces all workers of a pool by those of a new generation, while the pool goes on.
 *
 *     canary ──ready and alive for a while──▶ one slot after the other ──the last old worker has gone──▶ rolled
 *        └─ended: the old ones stay                    └─too many new ones end young: back to the old generation
 *
 * One roll at a time; of those that are asked for meanwhile only the last is done. So there are two generations at most.
 */

import type { Clock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Crew } from './crew.ts';
import type { Generation } from './generation.ts';
import type { Handover } from './handover.ts';
import type { Succession } from './heir.ts';
import type { PoolOptions } from './options.ts';
import type { RollReport } from './pool.ts';
import { CLOSED, restartDelay } from './restart.ts';
import type { Retirement } from './retirement.ts';
import { type Slot, surplusSlots } from './slot.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** A new generation is trusted when its first worker has lived for so long. */
const CANARY_MS = 2_000;
const DRAIN_TIMEOUT_MS = 60_000;

export interface RollerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly crew: Crew;
  readonly handover: Handover;
  readonly retirement: Retirement;
  readonly current: () => Generation;
  readonly prepare: (next: PoolOptions) => Generation;
  readonly hire: (generation: Generation, slot: number) => WorkerHandle;
  /** From now on all workers that start are of this generation. */
  readonly adopt: (generation: Generation) => void;
}

interface Request {
  readonly next: PoolOptions;
  readonly resolve: (report: RollReport) => void;
  readonly reject: (error: unknown) => void;
}

export class Roller {
  readonly #options: RollerOptions;
  readonly #stopping = new AbortController();
  #waiting: Request | null = null;
  #busy = false;
  #rolling: Generation | null = null;
  /** Young ends of workers of the generation that is being rolled out. */
  #unstable = 0;
  #lastEnd = '';

  constructor(options: RollerOptions) {
    this.#options = options;
  }

  roll(next: PoolOptions): Promise<RollReport> {
    if (this.#stopping.signal.aborted) return Promise.reject(this.#stopped());
    return new Promise((resolve, reject) => {
      this.#waiting?.resolve({
        outcome: 'superseded',
        generation: this.#options.current().number,
        replaced: 0,
      });
      this.#waiting = { next, resolve, reject };
      if (!this.#busy) void this.#work();
    });
  }

  /** A worker has ended before it was stable. */
  unstable(worker: WorkerHandle, text: string): void {
    if (worker.boot.generation !== this.#rolling?.number) return;
    this.#unstable += 1;
    this.#lastEnd = text;
  }

  stop(): void {
    this.#stopping.abort();
    this.#waiting?.reject(this.#stopped());
    this.#waiting = null;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    for (let request = this.#waiting; request !== null; request = this.#waiting) {
      this.#waiting = null;
      try {
        request.resolve(await this.#roll(request.next));
      } catch (error) {
        request.reject(error);
      }
    }
    this.#busy = false;
  }

  async #roll(next: PoolOptions): Promise<RollReport> {
    const { handover, retirement, prepare, current } = this.#options;
    const generation = prepare(next);
    this.#rolling = generation;
    this.#unstable = 0;
    retirement.limit({
      drainTimeoutMs: next.drainTimeout ?? DRAIN_TIMEOUT_MS,
      coldGraceMs: next.coldGrace,
    });
    try {
      return await handover.turn(() => this.#replaceAll(current(), generation));
    } finally {
      retirement.limit(null);
      this.#rolling = null;
    }
  }

  async #replaceAll(before: Generation, generation: Generation): Promise<RollReport> {
    const { adopt, crew, retirement, logger } = this.#options;
    const old = await this.#canary(generation);
    adopt(generation);
    logger.info('rolling: the first new worker works', { generation: generation.number });
    if (old !== null) await retirement.gone(old);
    if (generation.options.workers !== before.options.workers) crew.resize(generation.options.workers);
    const replaced = 1 + (await this.#replaceOthers(before, generation));
    logger.info('rolled', { generation: generation.number, replaced });
    return { outcome: 'rolled', generation: generation.number, replaced };
  }

  /** Answers the worker whose slot it has taken. */
  async #canary(generation: Generation): Promise<WorkerHandle | null> {
    const { crew, hire } = this.#options;
    const end = await this.#succeed(() => this.#cheapest(crew.slots), {
      probationMs: generation.options.canary ?? CANARY_MS,
      spawn: (slot) => hire(generation, slot),
    });
    if (end.type === 'taken') return end.old;
    const words = end.lastWords === '' ? '' : `; last words: ${end.lastWords}`;
    throw this.#failed(
      `a worker of the new generation did not last, the old ones stay: ${end.cause.text}${words}`,
    );
  }

  async #replaceOthers(before: Generation, generation: Generation): Promise<number> {
    const { clock } = this.#options;
    const { restart } = generation.options;
    let replaced = 0;
    for (let slot = this.#slotOfOther(generation); slot !== null; slot = this.#slotOfOther(generation)) {
      const end = await this.#replace(slot);
      if (end.type === 'taken') replaced += 1;
      if (end.type === 'failed') {
        this.#unstable += 1;
        this.#lastEnd = end.cause.text;
        const delay = restartDelay(restart, CLOSED, this.#unstable - 1, () => 0.5);
        await clock.sleep(delay, this.#stopping.signal);
      }
      if (this.#unstable > restart.intensity) await this.#rollBack(before);
    }
    return replaced;
  }

  /** Always throws. Its code may be gone by now: a worker that the old generation cannot replace stays as it is. */
  async #rollBack(before: Generation): Promise<never> {
    const { adopt, logger } = this.#options;
    logger.error('rolling back: workers of the new generation do not last', { reason: this.#lastEnd });
    this.#rolling = null;
    adopt(before);
    for (let slot = this.#slotOfOther(before); slot !== null; slot = this.#slotOfOther(before)) {
      const end = await this.#replace(slot);
      if (end.type === 'failed') {
        throw this.#failed(
          `its new workers do not last: ${this.#lastEnd}; the old ones do not start either: ${end.cause.text}`,
        );
      }
    }
    throw this.#failed(`rolled back, its new workers do not last: ${this.#lastEnd}`);
  }

  async #replace(slot: Slot): Promise<Succession> {
    const end = await this.#options.handover.replace(slot, { probationMs: 0 });
    if (this.#stopping.signal.aborted) throw this.#stopped();
    return end;
  }

  /** A slot may be given up while its heir starts: then it is another's turn. */
  async #succeed(
    choose: () => Slot | undefined,
    wishes: Parameters<Crew['succeed']>[1],
  ): Promise<Exclude<Succession, { type: 'cancelled' }>> {
    for (;;) {
      const slot = choose();
      if (slot === undefined || this.#stopping.signal.aborted) throw this.#stopped();
      const end = await this.#options.crew.succeed(slot, wishes);
      if (this.#stopping.signal.aborted) throw this.#stopped();
      if (end.type !== 'cancelled') return end;
    }
  }

  #cheapest(slots: readonly Slot[]): Slot | undefined {
    return surplusSlots(slots, slots.length - 1)[0];
  }

  #slotOfOther({ number }: Generation): Slot | null {
    const { slots } = this.#options.crew;
    return slots.find(({ worker }) => worker !== null && worker.boot.generation !== number) ?? null;
  }

  #failed(text: string): ForkloopError {
    return new ForkloopError('ERR_POOL_NOT_READY', `pool ${this.#options.name}: ${text}`);
  }

  #stopped(): ForkloopError {
    return new ForkloopError(
      'ERR_DRAINING',
      `pool ${this.#options.name} stops: its workers are not replaced`,
    );
  }
}
