import { ForkloopError } from '../lib/errors.ts';
import type { TaskManifest } from '../task/define.ts';
import { Crew } from './crew.ts';
import type { ExitCause } from './exit-cause.ts';
import { Generation } from './generation.ts';
import { Handover } from './handover.ts';
import { LoopWatch } from './loop-watch.ts';
import type { PoolOptions, PoolServices } from './options.ts';
import type { RollReport } from './pool.ts';
import { Recycler } from './recycler.ts';
import { Renewal } from './renewal.ts';
import { Retirement } from './retirement.ts';
import { Roller } from './roller.ts';
import { Roster } from './roster.ts';
import type { Slot } from './slot.ts';
import { StallWatch } from './stall-watch.ts';
import type { WorkerHandle, WorkerOwner } from './worker-handle.ts';

const MOST_WORKERS = 1_024;

/** Which workers a pool has: who keeps its slots filled, who replaces them and why, who sees to the end of each. */
export class Staff {
  readonly #services: PoolServices;
  readonly #owner: WorkerOwner;
  readonly #onOpened: () => void;
  readonly #crew: Crew;
  readonly #roster: Roster;
  readonly #retirement: Retirement;
  readonly #recycler: Recycler;
  readonly #roller: Roller;
  readonly renewal: Renewal;
  #generation: Generation;
  /** The highest number that a generation was given: one that was rolled back may have left workers. */
  #highest: number;
  #watches: readonly (LoopWatch | StallWatch)[];
  #tasks: ReadonlyMap<string, TaskManifest> = new Map();
  #state: 'created' | 'running' | 'quiet' | 'stopped' = 'created';

  /** `onOpened`: another worker takes deliveries from now on. */
  constructor(options: PoolOptions, services: PoolServices, owner: WorkerOwner, onOpened: () => void) {
    const { clock, random } = services;
    const logger = services.logger.child({ pool: options.name });
    this.#services = services;
    this.#owner = owner;
    this.#onOpened = onOpened;
    this.#highest = options.generation ?? 1;
    this.#generation = new Generation(this.#highest, options, services.hostsOf, clock);
    this.#roster = new Roster(clock);
    this.#retirement = new Retirement(clock);
    this.#crew = this.#createCrew(options);
    const handover = new Handover(this.#crew, this.#retirement, () => this.#recycler.look());
    const slots = () => (this.#state === 'running' ? this.#crew.slots : []);
    this.renewal = new Renewal({ name: options.name, handover, logger, slots });
    this.#recycler = new Recycler({
      policy: options.recycle ?? {},
      retryMs: options.restart.max,
      clock,
      random,
      logger,
      watchMemory: services.watchMemory,
      handover,
      slots,
      workers: this.#roster,
    });
    this.#roller = new Roller({
      name: options.name,
      clock,
      logger,
      crew: this.#crew,
      handover,
      retirement: this.#retirement,
      current: () => this.#generation,
      prepare: (next) => this.#prepare(next),
      hire: (generation, slot) => this.#hire(generation.spawn(owner, slot)),
      adopt: (generation) => this.#adopt(generation),
    });
    this.#watches = this.#createWatches(options);
  }

  /** By which workers start now. */
  get generation(): Generation {
    return this.#generation;
  }

  get slots(): readonly Slot[] {
    return this.#crew.slots;
  }

  get crashLoop(): boolean {
    return this.#crew.crashLoop;
  }

  /** Those that share the pool's deliveries, also such as take none now. */
  get shared(): WorkerHandle[] {
    return this.#roster.shared();
  }

  /** Whether the code of a delivery that has ended runs on. Asked for each job that is claimed. */
  hasZombie(token: string): boolean {
    for (const { zombies } of this.#roster) if (zombies.has(token)) return true;
    return false;
  }

  get all(): WorkerHandle[] {
    return [...this.#roster];
  }

  /** Those of them without a slot: not yet, or no more. */
  get others(): WorkerHandle[] {
    const placed = new Set(this.slots.map(({ worker }) => worker));
    return this.shared.filter((worker) => !placed.has(worker));
  }

  get tasks(): ReadonlyMap<string, TaskManifest> {
    return this.#tasks;
  }

  start(): void {
    this.#state = 'running';
    this.#crew.start();
    for (const watch of this.#watches) watch.start();
    this.#recycler.start();
  }

  /** Nobody is replaced from here on but those who die. */
  quiet(): void {
    if (this.#state === 'running') this.#state = 'quiet';
  }

  /** Nobody starts from here on. */
  stop(): void {
    this.#state = 'stopped';
    this.#roller.stop();
    this.#crew.stop();
    for (const watch of this.#watches) watch.stop();
    this.#recycler.stop();
  }

  /** After `stop`: resolves when no worker is left (see Roster). */
  end(deadline: AbortSignal): Promise<void> {
    return this.#roster.end(deadline, this.#generation.options.coldGrace);
  }

  ready(worker: WorkerHandle): void {
    this.#crew.ready(worker);
    if (worker.forOne && worker.inside.size === 0) worker.drain();
    this.#opened();
  }

  completed(worker: WorkerHandle): void {
    this.#crew.completed(worker);
  }

  /** Jobs have ended in it. */
  ended(worker: WorkerHandle): void {
    this.#recycler.ended(worker);
  }

  exited(worker: WorkerHandle, cause: ExitCause, counts: boolean, lastWords: string): void {
    this.#crew.exited(worker, cause, counts, lastWords);
    this.#retirement.exited(worker);
  }

  /** The last that is to be heard of it. */
  forget(worker: WorkerHandle): void {
    this.#roster.delete(worker);
  }

  /** A job that was ended runs on in it: a new worker takes the slot, the old one ends with the last of its other jobs. */
  replace(worker: WorkerHandle): void {
    this.#retirement.retire(worker);
    this.#crew.detach(worker);
  }

  /** A worker for one suspect; null where each worker runs one job at a time anyway. */
  hireAlone(): WorkerHandle | null {
    const worker = this.#generation.spawnAlone(this.#owner, this.#crew.slots.length);
    return worker === null ? null : this.#hire(worker);
  }

  scale(workers: number): void {
    const { name, kind } = this.#generation.options;
    if (kind !== 'process') {
      const message = `pool ${name} is async and has one worker: change its concurrency in the configuration`;
      throw new ForkloopError('ERR_OPTION_INVALID', message);
    }
    if (!Number.isInteger(workers) || workers < 1 || workers > MOST_WORKERS) {
      const message = `pool ${name} cannot have ${workers} workers: give it 1 to ${MOST_WORKERS}; to start nothing in it, pause its queues (supervisor queue pause)`;
      throw new ForkloopError('ERR_OPTION_INVALID', message);
    }
    this.#crew.resize(workers);
  }

  async roll(next: PoolOptions): Promise<RollReport> {
    if (this.#state !== 'running') {
      throw new ForkloopError(
        'ERR_DRAINING',
        `pool ${next.name} is not running: its workers are not replaced`,
      );
    }
    return this.#roller.roll(next);
  }

  #createCrew({ kind, workers, restart }: PoolOptions): Crew {
    const { clock, random, bootGate } = this.#services;
    return new Crew({
      size: kind === 'process' ? workers : 1,
      restart,
      clock,
      random,
      bootGate,
      spawn: (slot) => this.#hire(this.#generation.spawn(this.#owner, slot)),
      unstable: (worker, text) => this.#roller.unstable(worker, text),
      dismissed: (worker) => this.#retirement.retire(worker),
      tookOver: (old) => {
        if (old !== null) this.#retirement.retire(old);
        this.#opened();
      },
    });
  }

  #createWatches({ kind, blockTimeout, stallTimeout }: PoolOptions): (LoopWatch | StallWatch)[] {
    const { clock, lookAtProcess } = this.#services;
    const workers = this.#roster;
    const loops = new LoopWatch(clock, blockTimeout, workers, lookAtProcess);
    if (kind !== 'process') return [loops];
    const stalled = (worker: WorkerHandle, ms: number) => this.#owner.stalled(worker, ms);
    const killAfterMs = stallTimeout ?? null;
    return [loops, new StallWatch({ clock, workers, look: lookAtProcess, killAfterMs, stalled })];
  }

  #hire(worker: WorkerHandle): WorkerHandle {
    this.#roster.add(worker);
    return worker;
  }

  #opened(): void {
    this.#tasks = this.#roster.tasks() ?? this.#tasks;
    this.#recycler.look();
    this.#onOpened();
  }

  #prepare(next: PoolOptions): Generation {
    const { clock, hostsOf } = this.#services;
    this.#highest = Math.max(next.generation ?? 0, this.#highest + 1);
    return new Generation(this.#highest, next, hostsOf, clock);
  }

  #adopt(generation: Generation): void {
    const { restart, recycle = {} } = generation.options;
    this.#generation = generation;
    this.#crew.startOver(restart);
    this.#recycler.adopt(recycle);
    for (const watch of this.#watches) watch.stop();
    this.#watches = this.#createWatches(generation.options);
    for (const watch of this.#watches) watch.start();
    this.#opened();
  }
}
