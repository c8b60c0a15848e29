/**
 * A pool of either kind. What differs between them is the number of workers, how many jobs each runs at once, and what
 * follows from that when one has to be ended by force (enforcer.ts) or dies (blame.ts).
 *
 *     created ──start──▶ running ──quiet──▶ quiet ──stop──▶ stopping ──all workers gone──▶ stopped
 */

import type { TaskManifest } from '../task/define.ts';
import type { AbortReason, Outcome } from '../task/outcome.ts';
import { Crew } from './crew.ts';
import { Dispatcher } from './dispatcher.ts';
import { Enforcer } from './enforcer.ts';
import { Generation } from './generation.ts';
import { Handover } from './handover.ts';
import type { ExitInfo } from './host/host.ts';
import type { FromWorker } from './host/protocol.ts';
import { inquest } from './inquest.ts';
import { type Flight, Ledger } from './ledger.ts';
import { LoopWatch } from './loop-watch.ts';
import type { PoolOptions, PoolServices } from './options.ts';
import type { Delivery, Ended, Pool, PoolStatus, Progress } from './pool.ts';
import { Recycler } from './recycler.ts';
import { Retirement } from './retirement.ts';
import { Roster } from './roster.ts';
import { StartGate } from './start-gate.ts';
import { statusOf } from './status.ts';
import type { WorkerHandle, WorkerOwner } from './worker-handle.ts';
import { WorkerLog } from './worker-log.ts';

export class WorkerPool implements Pool, WorkerOwner {
  readonly name: string;
  readonly kind: 'process' | 'async';
  readonly queues: readonly string[];
  readonly #generation: Generation;
  readonly #services: PoolServices;
  readonly #ledger: Ledger;
  readonly #dispatcher = new Dispatcher();
  readonly #crew: Crew;
  readonly #enforcer: Enforcer;
  readonly #watch: LoopWatch;
  readonly #gate: StartGate;
  readonly #log: WorkerLog;
  readonly #roster: Roster;
  readonly #retirement: Retirement;
  readonly #recycler: Recycler;
  #tasks: ReadonlyMap<string, TaskManifest> = new Map();
  #state: 'created' | 'running' | 'quiet' | 'stopping' | 'stopped' = 'created';
  #onFree: () => void = () => {};
  #onEnded: (ended: readonly Ended[]) => void = () => {};
  #stopped: Promise<void> | null = null;

  constructor(options: PoolOptions, services: PoolServices) {
    const { clock, random, bootGate, logger } = services;
    this.#generation = new Generation(options.generation ?? 1, options, services.hostsOf, clock);
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
    this.#retirement = new Retirement(clock);
    this.#crew = new Crew({
      size,
      restart: options.restart,
      clock,
      random,
      bootGate,
      spawn: (slot) => this.#hire(this.#generation.spawn(this, slot)),
      tookOver: (old) => {
        if (old !== null) this.#retirement.retire(old);
        this.#opened();
      },
    });
    const handover = new Handover(this.#crew, this.#retirement, () => this.#recycler.look());
    this.#roster = new Roster(clock);
    this.#recycler = new Recycler({
      policy: options.recycle ?? {},
      retryMs: options.restart.max,
      clock,
      random,
      logger: logger.child({ pool: options.name }),
      watchMemory: services.watchMemory,
      handover,
      slots: () => (this.#state === 'running' ? this.#crew.slots : []),
      workers: this.#roster,
    });
    this.#enforcer = new Enforcer(
      clock,
      (flight, outcome) => {
        this.#end(flight, outcome);
        this.#dispatch();
      },
      (worker) => this.#replace(worker),
    );
    this.#watch = new LoopWatch(clock, options.blockTimeout, this.#roster);
    this.#gate = new StartGate(options.name);
    this.#log = new WorkerLog(logger, options.name, this.#ledger);
  }

  get free(): number {
    if (this.#state !== 'running') return 0;
    return Math.max(0, this.#dispatcher.capacity(this.#roster.shared()) - this.#ledger.size);
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

  /** Resolves with the first ready worker; where none is required, also when it is clear that none comes yet. */
  async start(): Promise<void> {
    if (this.#state !== 'created') return this.#gate.opened;
    this.#state = 'running';
    const { clock } = this.#services;
    const { readyTimeout, required } = this.#generation.options;
    const late = clock.setTimer(readyTimeout + LATE_GRACE_MS, () => this.#gate.late(readyTimeout));
    this.#crew.start();
    this.#watch.start();
    this.#recycler.start();
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
    this.#dispatcher.add(flights.filter((flight) => !this.#runsAlone(flight)));
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
    this.#recycler.stop();
    for (const flight of this.#dispatcher.clear()) this.#end(flight, HANDED_BACK);
    await this.#roster.end(deadline, this.#generation.options.coldGrace);
    this.#enforcer.stop();
    this.#ledger.tell();
    this.#state = 'stopped';
  }

  status(): PoolStatus {
    const { name, kind, queues, concurrency } = this.#generation.options;
    return statusOf({
      name,
      kind,
      queues,
      host: this.#generation.hosts.host.type,
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

  announced(worker: WorkerHandle): void {
    this.#log.ready(worker, this.#services.clock.monotonic() - worker.bornAt);
    this.#crew.ready(worker);
    this.#gate.ready();
    if (worker.forOne && worker.inside.size === 0) worker.drain();
    this.#opened();
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
    const { kernelOom } = this.#services;
    const { cause, outcomes, countsForPool } = inquest(worker, info, kernelOom.explainsOne);
    this.#log.exited(worker, cause, info.lastWords);
    for (const [flight, outcome] of outcomes) this.#end(flight, outcome);
    if (cause.kind === 'boot_failure') this.#gate.bootFailed(worker, cause.text, info.lastWords);
    this.#crew.exited(worker, cause, countsForPool, info.lastWords);
    this.#retirement.exited(worker);
    this.#dispatch();
    this.#roster.delete(worker);
  }

  /** Another worker takes deliveries from now on. */
  #opened(): void {
    this.#tasks = this.#roster.tasks() ?? this.#tasks;
    this.#dispatch();
    this.#recycler.look();
    if (this.free > 0) this.#onFree();
  }

  #hire(worker: WorkerHandle): WorkerHandle {
    this.#roster.add(worker);
    return worker;
  }

  /** Begins a suspect at once, in a worker of its own, where others would run beside it. */
  #runsAlone(flight: Flight): boolean {
    if (!flight.delivery.alone) return false;
    const worker = this.#generation.spawnAlone(this, this.#crew.slots.length);
    if (worker !== null) this.#hire(worker).give([flight]);
    return worker !== null;
  }

  #dispatch(): void {
    if (this.#state === 'running' || this.#state === 'quiet') {
      this.#dispatcher.dispatch(this.#roster.shared());
    }
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
      else {
        if (flight.started) worker.jobs += 1;
        this.#end(flight, flight.ownEnd(outcome));
      }
      if (outcome.type === 'completed') this.#crew.completed(worker);
    }
    this.#recycler.ended(worker);
    if (started !== undefined) this.#started(worker, started);
    if (worker.state === 'draining' && worker.inside.size === 0 && worker.zombies.size > 0)
      worker.kill('recycle');
    this.#dispatch();
  }

  #end(flight: Flight, outcome: Outcome): void {
    const { worker } = flight;
    worker?.release(flight);
    if (worker?.forOne) worker.drain();
    this.#enforcer.ended(flight);
    if (flight.startedAt !== null) {
      this.#dispatcher.ran(flight, this.#services.clock.monotonic() - flight.startedAt);
    }
    this.#ledger.end(flight, outcome);
  }

  /** A job that was ended runs on in it: a new worker takes the slot, the old one ends with the last of its other jobs. */
  #replace(worker: WorkerHandle): void {
    this.#retirement.retire(worker);
    this.#crew.detach(worker);
  }
}

/** After the worker's own time is up: so long it may take to be gone and leave its last words. */
const LATE_GRACE_MS = 1_000;

const HANDED_BACK: Outcome = { type: 'interrupted', reason: 'handed_back' };
