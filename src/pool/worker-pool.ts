/**
 * A pool of either kind. What differs between them is the number of workers, how many jobs each runs at once, and what
 * follows from that when one has to be ended by force (enforcer.ts) or dies (blame.ts).
 *
 *     created ──start──▶ running ──quiet──▶ quiet ──stop──▶ stopping ──all workers gone──▶ stopped
 */

import type { TaskManifest } from '../task/define.ts';
import type { AbortReason, Outcome } from '../task/outcome.ts';
import { blame } from './blame.ts';
import { Crew } from './crew.ts';
import { Dispatcher } from './dispatcher.ts';
import { Enforcer } from './enforcer.ts';
import { causeOf, crashError, type ExitCause } from './exit-cause.ts';
import type { ExitInfo, WorkerHost } from './host/host.ts';
import type { FromWorker } from './host/protocol.ts';
import { type Flight, Ledger } from './ledger.ts';
import { LoopWatch } from './loop-watch.ts';
import type { PoolOptions, PoolServices } from './options.ts';
import type { Delivery, Ended, Pool, PoolStatus, Progress } from './pool.ts';
import { StartGate } from './start-gate.ts';
import { statusOf } from './status.ts';
import { WorkerHandle, type WorkerOwner } from './worker-handle.ts';
import { WorkerLog } from './worker-log.ts';

export class WorkerPool implements Pool, WorkerOwner {
  readonly name: string;
  readonly kind: 'process' | 'async';
  readonly queues: readonly string[];
  readonly #options: PoolOptions;
  readonly #services: PoolServices;
  readonly #ledger: Ledger;
  readonly #dispatcher = new Dispatcher();
  readonly #crew: Crew;
  readonly #enforcer: Enforcer;
  readonly #watch: LoopWatch;
  readonly #gate: StartGate;
  readonly #log: WorkerLog;
  /** Every worker that has not exited: those of the slots, those that were replaced and end by and by, those for one suspect. */
  readonly #workers = new Set<WorkerHandle>();
  readonly #bornAt = new Map<WorkerHandle, number>();
  #tasks: ReadonlyMap<string, TaskManifest> = new Map();
  #state: 'created' | 'running' | 'quiet' | 'stopping' | 'stopped' = 'created';
  #onFree: () => void = () => {};
  #onEnded: (ended: readonly Ended[]) => void = () => {};
  #onEmpty: () => void = () => {};
  #stopped: Promise<void> | null = null;

  constructor(options: PoolOptions, services: PoolServices) {
    const { clock, random, bootGate, logger } = services;
    this.#options = options;
    this.#services = services;
    this.name = options.name;
    this.kind = options.kind;
    this.queues = options.queues;
    this.#ledger = new Ledger(clock);
    this.#ledger.onEnded((ended) => {
      this.#onEnded(ended);
      if (this.free > 0) this.#onFree();
    });
    const size = options.kind === 'process' ? options.workers : 1;
    const spawn = (slot: number) => this.#spawn(services.host, slot);
    this.#crew = new Crew({ size, restart: options.restart, clock, random, bootGate, spawn });
    this.#enforcer = new Enforcer(clock, this.#ledger, (worker) => this.#replace(worker));
    this.#watch = new LoopWatch(clock, options.blockTimeout, () => this.#workers, owesAnswer);
    this.#gate = new StartGate(options.name);
    this.#log = new WorkerLog(logger, options.name, this.#ledger);
  }

  get free(): number {
    if (this.#state !== 'running') return 0;
    return Math.max(0, this.#dispatcher.capacity(this.#shared()) - this.#ledger.size);
  }

  get inFlight(): number {
    return this.#ledger.size;
  }

  get tasks(): ReadonlyMap<string, TaskManifest> {
    return this.#tasks;
  }

  onEnded(listener: (ended: readonly Ended[]) => void): void {
    this.#onEnded = listener;
  }

  onFree(listener: () => void): void {
    this.#onFree = listener;
  }

  async start(): Promise<void> {
    if (this.#state !== 'created') return this.#gate.opened;
    this.#state = 'running';
    const { clock } = this.#services;
    const { readyTimeout, required } = this.#options;
    const late = clock.setTimer(readyTimeout, () => this.#gate.fail(`none after ${readyTimeout} ms`));
    this.#crew.start();
    this.#watch.start();
    try {
      await this.#gate.opened;
    } catch (error) {
      if (!required && this.#state === 'running') return;
      await this.stop(AbortSignal.abort());
      throw error;
    } finally {
      late.cancel();
    }
  }

  run(batch: readonly Delivery[]): void {
    const flights = batch.map((delivery) => this.#ledger.add(delivery));
    if (this.#state === 'stopping' || this.#state === 'stopped') {
      for (const flight of flights) this.#end(flight, HANDED_BACK);
      return;
    }
    const { aloneHost } = this.#services;
    const together = aloneHost === null ? flights : flights.filter(({ delivery }) => !delivery.alone);
    for (const flight of flights) {
      if (aloneHost !== null && flight.delivery.alone)
        this.#spawn(aloneHost, this.#crew.slots.length).give([flight]);
    }
    this.#dispatcher.add(together);
    this.#dispatch();
  }

  abort(tokens: readonly string[], reason: Exclude<AbortReason, 'timeout'>, graceMs: number): void {
    const byWorker = new Map<WorkerHandle, string[]>();
    for (const token of tokens) {
      const flight = this.#ledger.get(token);
      if (flight === undefined || flight.aborted !== null) continue;
      flight.aborted = reason;
      if (flight.worker === null) {
        this.#dispatcher.remove(flight);
        this.#end(flight, { type: 'interrupted', reason });
        continue;
      }
      this.#enforcer.aborted(flight, graceMs);
      const told = byWorker.get(flight.worker);
      if (told === undefined) byWorker.set(flight.worker, [token]);
      else told.push(token);
    }
    for (const [worker, told] of byWorker) worker.abort(told, reason);
  }

  quiet(): void {
    if (this.#state === 'running' || this.#state === 'created') this.#state = 'quiet';
  }

  stop(deadline: AbortSignal): Promise<void> {
    this.#stopped ??= this.#stop(deadline);
    return this.#stopped;
  }

  async #stop(deadline: AbortSignal): Promise<void> {
    this.#state = 'stopping';
    this.#gate.fail('the pool was stopped before');
    this.#crew.stop();
    this.#watch.stop();
    for (const flight of this.#dispatcher.clear()) this.#end(flight, HANDED_BACK);
    for (const worker of this.#workers) worker.drain();
    await this.#gone(deadline);
    if (this.#workers.size > 0) await this.#stopCold();
    this.#enforcer.stop();
    this.#ledger.tell();
    this.#state = 'stopped';
  }

  /** Abort, a grace, SIGKILL; a job ends when its worker is gone, so that none runs on beside its next run. */
  async #stopCold(): Promise<void> {
    for (const flight of this.#ledger.values()) flight.aborted ??= 'drain';
    for (const worker of this.#workers) worker.abort([...worker.inside.keys()], 'drain');
    const cold = new AbortController();
    const timer = this.#services.clock.setTimer(this.#options.coldGrace, () => cold.abort());
    await this.#gone(cold.signal);
    timer.cancel();
    for (const worker of this.#workers) worker.kill('cold_stop');
    await this.#gone(null);
  }

  /** Resolves when no worker is left, or at the signal. */
  #gone(signal: AbortSignal | null): Promise<void> {
    if (this.#workers.size === 0 || signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        signal?.removeEventListener('abort', end);
        resolve();
      };
      this.#onEmpty = end;
      signal?.addEventListener('abort', end);
    });
  }

  status(): PoolStatus {
    const { name, kind, queues, concurrency } = this.#options;
    return statusOf({
      name,
      kind,
      queues,
      host: this.#services.host.type,
      slots: this.#crew.slots,
      crashLoop: this.#crew.crashLoop,
      state: this.#state,
      concurrency: kind === 'process' ? this.#crew.slots.length : concurrency,
    });
  }

  progress(): readonly Progress[] {
    const reports: Progress[] = [];
    for (const { token, progress } of this.#ledger.values())
      if (progress !== null) reports.push({ token, ...progress });
    return reports;
  }

  announced(worker: WorkerHandle, message: Extract<FromWorker, { type: 'ready' }>): void {
    this.#log.ready(worker, this.#services.clock.monotonic() - (this.#bornAt.get(worker) ?? 0));
    this.#tasks = new Map(message.tasks.map((task) => [task.name, task]));
    this.#crew.ready(worker);
    this.#gate.ready();
    this.#dispatch();
    if (this.free > 0) this.#onFree();
  }

  message(worker: WorkerHandle, message: FromWorker): void {
    switch (message.type) {
      case 'started':
        this.#started(worker, message.tokens);
        return;
      case 'ended':
        this.#workerEnded(worker, message);
        return;
      case 'progress': {
        const flight = worker.inside.get(message.token);
        if (flight !== undefined) flight.progress = { done: message.done, total: message.total };
        return;
      }
      case 'log':
        this.#log.task(worker, message);
        return;
    }
  }

  output(worker: WorkerHandle, stream: 'stdout' | 'stderr', line: string, token: string | null): void {
    this.#log.output(worker, stream, line, token);
  }

  exited(worker: WorkerHandle, info: ExitInfo): void {
    const { culprit, bootError, ending, wasReady } = worker;
    const cause = causeOf({ info, ending, wasReady, error: bootError ?? culprit?.error ?? null });
    this.#workers.delete(worker);
    this.#bornAt.delete(worker);
    this.#log.exited(worker, cause, info.lastWords);
    if (culprit?.token && !worker.inside.has(culprit.token)) {
      this.#log.strayAfterEnd(worker, culprit.token, culprit.error.message);
    }
    const suspects = [...worker.inside.values()].some(({ delivery }) => (delivery.crashes ?? 0) > 0);
    this.#settleDead(worker, cause, info.lastWords);
    if (cause.kind === 'boot_failure')
      this.#gate.bootFailed(cause.text, info.lastWords, ending === 'boot_failed');
    this.#crew.exited(worker, cause, !suspects);
    this.#dispatch();
    if (this.#workers.size === 0) this.#onEmpty();
  }

  #settleDead(worker: WorkerHandle, cause: ExitCause, lastWords: string): void {
    const outcomes = blame({
      inside: [...worker.inside.values()],
      zombies: worker.zombies.size,
      planned: cause.kind !== 'crash',
      culprit: worker.culprit,
      error: crashError(cause, lastWords, worker.culprit?.error),
    });
    for (const flight of [...worker.inside.values()]) {
      this.#end(flight, outcomes.get(flight.token) ?? HANDED_BACK);
    }
  }

  #spawn(host: WorkerHost, slot: number): WorkerHandle {
    const { name, modules, kind, concurrency, readyTimeout, generation = 1 } = this.#options;
    const { clock } = this.#services;
    const atOnce = kind === 'process' || host === this.#services.aloneHost ? 1 : concurrency;
    const boot = { pool: name, slot, generation, modules, concurrency: atOnce, masterPid: process.pid };
    const worker = new WorkerHandle(host, boot, this, clock, readyTimeout);
    this.#workers.add(worker);
    this.#bornAt.set(worker, clock.monotonic());
    return worker;
  }

  #dispatch(): void {
    if (this.#state === 'running' || this.#state === 'quiet') {
      this.#dispatcher.dispatch(this.#shared());
    }
  }

  #shared(): WorkerHandle[] {
    return [...this.#workers].filter((worker) => !this.#isForOne(worker));
  }

  #isForOne(worker: WorkerHandle): boolean {
    return worker.boot.slot === this.#crew.slots.length;
  }

  #started(worker: WorkerHandle, tokens: readonly string[]): void {
    const now = this.#services.clock.monotonic();
    for (const token of tokens) {
      const flight = worker.inside.get(token);
      if (flight === undefined) continue;
      flight.startedAt = now;
      this.#enforcer.started(flight);
    }
  }

  #workerEnded(worker: WorkerHandle, { ended, started }: Extract<FromWorker, { type: 'ended' }>): void {
    for (const { token, outcome } of ended) {
      const flight = worker.inside.get(token);
      if (flight === undefined) worker.zombies.delete(token);
      else this.#end(flight, ownEnd(flight, outcome));
      if (outcome.type === 'completed') this.#crew.completed(worker);
    }
    if (started !== undefined) this.#started(worker, started);
    if (this.#isForOne(worker) && worker.inside.size === 0) worker.drain();
    if (worker.state === 'draining' && worker.inside.size === 0 && worker.zombies.size > 0)
      worker.kill('recycle');
    this.#dispatch();
  }

  #end(flight: Flight, outcome: Outcome): void {
    flight.worker?.release(flight);
    this.#enforcer.ended(flight);
    if (flight.startedAt !== null) {
      this.#dispatcher.ran(flight, this.#services.clock.monotonic() - flight.startedAt);
    }
    this.#ledger.end(flight, outcome);
  }

  /** A job that was ended runs on in it: a new worker takes the slot, the old one ends with the last of its other jobs. */
  #replace(worker: WorkerHandle): void {
    if (worker.inside.size === 0) worker.kill('recycle');
    else worker.drain();
    this.#crew.detach(worker);
  }
}

const HANDED_BACK: Outcome = { type: 'interrupted', reason: 'handed_back' };

/** What came back unstarted because it was to be ended ends for that reason. */
function ownEnd({ aborted }: Flight, outcome: Outcome): Outcome {
  if (outcome.type !== 'interrupted' || aborted === null || aborted === 'timeout') return outcome;
  return { type: 'interrupted', reason: aborted };
}

/** A process worker that runs a job may be silent for as long as the job's limits let it. */
function owesAnswer(worker: WorkerHandle): boolean {
  return worker.boot.concurrency > 1 || worker.running === 0;
}
