/**
 * Keeps the slots of a pool filled: one worker each, replaced when it ends, after a delay where it ended badly.
 *
 * A slot is empty (waiting for its time, for the boot gate, or for the breaker to let a probe through) or has a worker. One
 * function, `#fill`, compares the slots with what should be and acts; every event only changes what it sees.
 */

import type { Clock, Timer } from '../lib/clock.ts';
import type { Random } from '../lib/random.ts';
import type { BootGate } from './boot-gate.ts';
import type { ExitCause } from './exit-cause.ts';
import { Heir, type Succession } from './heir.ts';
import { afterUnstableExit, type Breaker, CLOSED, type RestartPolicy, restartDelay } from './restart.ts';
import { emptySlot, missingSlots, type Slot, surplusSlots } from './slot.ts';
import type { WorkerHandle } from './worker-handle.ts';

export interface CrewOptions {
  readonly size: number;
  readonly restart: RestartPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly bootGate: BootGate;
  spawn(slot: number): WorkerHandle;
  /** A worker has ended badly before it was stable, and that speaks against the pool. */
  unstable(worker: WorkerHandle, text: string): void;
  /** The pool has shrunk: the worker is the caller's to end. */
  dismissed(worker: WorkerHandle): void;
  /** An heir has taken a slot over. The worker that had it, if any, is the caller's to end. */
  tookOver(old: WorkerHandle | null): void;
}

/** How a worker's successor starts. */
export interface HeirWishes {
  /** How long it must live once it is ready before it takes over. */
  readonly probationMs: number;
  /** Left out: as any worker of the pool. */
  readonly spawn?: (slot: number) => WorkerHandle;
}

export class Crew {
  readonly #options: CrewOptions;
  #slots: Slot[];
  #restart: RestartPolicy;
  #breaker: Breaker = CLOSED;
  #timer: Timer | null = null;
  #state: 'idle' | 'running' | 'stopped' = 'idle';

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#restart = options.restart;
    this.#slots = Array.from({ length: options.size }, (_, index) => emptySlot(index));
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  get crashLoop(): boolean {
    return this.#breaker.state === 'open';
  }

  start(): void {
    this.#state = 'running';
    this.#fill();
  }

  /** No worker is started from here on. */
  stop(): void {
    this.#state = 'stopped';
    this.#timer?.cancel();
    for (const slot of this.#slots) {
      slot.leaveGate?.();
      slot.leaveGate = null;
      slot.stableTimer?.cancel();
      slot.heir?.cancel();
      slot.heir = null;
    }
  }

  /** New workers, or the surplus dismissed, those that run nothing first. */
  resize(size: number): void {
    const surplus = surplusSlots(this.#slots, size);
    const kept = this.#slots.filter((slot) => !surplus.includes(slot));
    this.#slots = [...kept, ...missingSlots(kept, size)].sort((a, b) => a.index - b.index);
    for (const slot of surplus) {
      const { worker, heir } = slot;
      this.#vacate(slot);
      slot.heir = null;
      heir?.cancel();
      for (const one of [worker, heir?.worker ?? null]) if (one !== null) this.#options.dismissed(one);
    }
    this.#fill();
  }

  /** Workers that start from now on are others: what the last ones did says nothing of them. */
  startOver(restart: RestartPolicy): void {
    this.#restart = restart;
    this.#breaker = CLOSED;
    for (const slot of this.#slots) {
      slot.failures = 0;
      slot.notBefore = 0;
    }
    this.#fill();
  }

  /** Starts a worker beside that of a slot, which takes the slot when it is ready. One at a time for each slot. */
  succeed(slot: Slot, wishes: HeirWishes): Promise<Succession> {
    if (this.#state !== 'running' || !this.#slots.includes(slot) || slot.heir !== null)
      return Promise.resolve({ type: 'cancelled' });
    const { clock, bootGate, spawn } = { ...this.#options, ...wishes };
    slot.heir = new Heir({
      clock,
      bootGate,
      probationMs: wishes.probationMs,
      spawn: () => spawn(slot.index),
      takeOver: () => this.#takeOver(slot),
    });
    slot.heir.start();
    return slot.heir.end;
  }

  /** The worker's boot is over: another may begin. */
  ready(worker: WorkerHandle): void {
    const slot = this.#slotOf(worker);
    if (slot === undefined) {
      this.#slotOfHeir(worker)?.heir?.ready();
      return;
    }
    slot.leaveGate?.();
    slot.leaveGate = null;
    this.#awaitStable(slot);
  }

  completed(worker: WorkerHandle): void {
    const slot = this.#slotOf(worker);
    if (slot !== undefined && !slot.stable) this.#stable(slot);
  }

  /** The slot takes a new worker at once; the old one ends by and by outside of the crew. */
  detach(worker: WorkerHandle): void {
    const slot = this.#slotOf(worker);
    if (slot === undefined) return;
    this.#vacate(slot);
    slot.notBefore = 0;
    this.#fill();
  }

  /** `counts`: a bad end that speaks against the pool. */
  exited(worker: WorkerHandle, cause: ExitCause, counts: boolean, lastWords: string): void {
    const slot = this.#slotOf(worker);
    if (slot === undefined) {
      this.#heirExited(worker, cause, lastWords);
      return;
    }
    const stable = slot.stable;
    this.#vacate(slot);
    slot.notBefore = this.#options.clock.monotonic();
    if (cause.kind !== 'planned') {
      slot.lastExit = cause.text;
      if (counts) this.#holdBack(slot, stable, () => this.#options.unstable(worker, cause.text));
      // A job that is known to kill workers has at most two more of them: no reason to make the others wait longer.
      else slot.notBefore += restartDelay(this.#restart, CLOSED, 0, this.#options.random);
    }
    this.#fill();
  }

  /** After a bad end: the longer, the more often that happened. */
  #holdBack(slot: Slot, stable: boolean, unstable: () => void): void {
    const restart = this.#restart;
    const now = slot.notBefore;
    if (!stable) {
      this.#breaker = afterUnstableExit(restart, this.#breaker, now, this.#slots.length);
      unstable();
    }
    slot.notBefore = now + restartDelay(restart, this.#breaker, slot.failures, this.#options.random);
    slot.failures = stable ? 0 : slot.failures + 1;
    if (this.#breaker.state === 'open') this.#holdAll(slot.notBefore);
  }

  #heirExited(worker: WorkerHandle, cause: ExitCause, lastWords: string): void {
    const slot = this.#slotOfHeir(worker);
    slot?.heir?.failed(cause, lastWords);
    if (slot !== undefined) slot.heir = null;
  }

  #takeOver(slot: Slot): void {
    const { worker: old, heir } = slot;
    if (heir?.worker == null) return;
    this.#vacate(slot);
    slot.heir = null;
    slot.worker = heir.worker;
    slot.starts += 1;
    slot.failures = 0;
    this.#awaitStable(slot);
    heir.taken(old);
    this.#options.tookOver(old);
  }

  #awaitStable(slot: Slot): void {
    slot.stableTimer = this.#options.clock.setTimer(this.#restart.stableAfter, () => this.#stable(slot));
  }

  /** In a crash loop the pool, not each slot, waits for the next probe. */
  #holdAll(notBefore: number): void {
    for (const slot of this.#slots) if (slot.worker === null) slot.notBefore = notBefore;
  }

  #stable(slot: Slot): void {
    slot.stable = true;
    slot.failures = 0;
    slot.stableTimer?.cancel();
    const { state } = this.#breaker;
    this.#breaker = CLOSED;
    if (state === 'closed') return;
    for (const other of this.#slots) other.notBefore = 0;
    this.#fill();
  }

  #fill(): void {
    if (this.#state !== 'running') return;
    const now = this.#options.clock.monotonic();
    const empty = this.#slots.filter((slot) => slot.worker === null && slot.leaveGate === null);
    let room = this.#breaker.state === 'closed' ? empty.length : this.#roomForProbe(empty.length);
    for (const slot of empty) {
      if (slot.notBefore > now || room === 0) continue;
      room -= 1;
      this.#start(slot);
    }
    this.#wakeFor(
      empty.filter((slot) => slot.worker === null && slot.leaveGate === null && slot.notBefore > now),
    );
  }

  /** While the breaker is open one worker at a time may prove itself. */
  #roomForProbe(most: number): number {
    const probing = this.#slots.some(
      (slot) => (slot.worker !== null || slot.leaveGate !== null) && !slot.stable,
    );
    return probing ? 0 : Math.min(1, most);
  }

  #start(slot: Slot): void {
    slot.leaveGate = this.#options.bootGate.enter(() => {
      slot.starts += 1;
      slot.worker = this.#options.spawn(slot.index);
    });
  }

  #vacate(slot: Slot): void {
    slot.leaveGate?.();
    slot.leaveGate = null;
    slot.stableTimer?.cancel();
    slot.stableTimer = null;
    slot.worker = null;
    slot.stable = false;
  }

  #wakeFor(waiting: readonly Slot[]): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (waiting.length === 0) return;
    const at = Math.min(...waiting.map(({ notBefore }) => notBefore));
    const { clock } = this.#options;
    this.#timer = clock.setTimer(Math.max(1, Math.ceil(at - clock.monotonic())), () => this.#fill());
  }

  #slotOf(worker: WorkerHandle): Slot | undefined {
    return this.#slots.find((slot) => slot.worker === worker);
  }

  #slotOfHeir(worker: WorkerHandle): Slot | undefined {
    return this.#slots.find(({ heir }) => heir?.worker === worker);
  }
}
