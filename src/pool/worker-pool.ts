/**
 * A pool of either kind. What differs between them is the number of workers, how many jobs each runs at once, and what
 * follows from that when one has to be ended by force (enforcer.ts) or dies (blame.ts).
 *
 *     created ──start──▶ running ──quiet──▶ quiet ──stop──▶ stopping ──all workers gone──▶ stopped
 */

import type { TaskManifest } from '../task/define.ts';
import type { AbortReason, Outcome } from '../task/outcome.ts';
import { Dispatcher } from './dispatcher.ts';
import { Enforcer } from './enforcer.ts';
import type { ExitInfo } from './host/host.ts';
import type { FromWorker } from './host/protocol.ts';
import { inquest } from './inquest.ts';
import { type Flight, Ledger } from './ledger.ts';
import type { PoolOptions, PoolServices } from './options.ts';
import type {
  Delivery,
  Ended,
  Pool,
  PoolStatus,
  Progress,
  RollReport,
  RunningDelivery,
  WorkerRenewal,
  WorkerStack,
} from './pool.ts';
import { stacksOf } from './stacks.ts';
import { Staff } from './staff.ts';
import { StartGate } from './start-gate.ts';
import { statusOf } from './status.ts';
import type { WorkerHandle, WorkerOwner } from './worker-handle.ts';
import { WorkerLog } from './worker-log.ts';

export class WorkerPool implements Pool, WorkerOwner {
  readonly name: string;
  readonly kind: 'process' | 'async';
  readonly queues: readonly string[];
  readonly #services: PoolServices;
  readonly #ledger = new Ledger();
  readonly #dispatcher = new Dispatcher();
  readonly #staff: Staff;
  readonly #enforcer: Enforcer;
  readonly #gate: StartGate;
  readonly #log: WorkerLog;
  #state: 'created' | 'running' | 'quiet' | 'stopping' | 'stopped' = 'created';
  #onFree: () => void = () => {};
  #onEnded: (ended: readonly Ended[]) => void = () => {};
  #stopped: Promise<void> | null = null;

  constructor(options: PoolOptions, services: PoolServices) {
    const { clock, logger } = services;
    this.#services = services;
    this.name = options.name;
    this.kind = options.kind;
    this.queues = options.queues;
    this.#ledger.onEnded((ended) => {
      this.#onEnded(ended);
      if (this.free > 0) this.#onFree();
    });
    this.#staff = new Staff(options, services, this, () => {
      this.#dispatch();
      if (this.free > 0) this.#onFree();
    });
    this.#enforcer = new Enforcer(
      clock,
      (flight, outcome) => {
        this.#end(flight, outcome);
        this.#dispatch();
      },
      (worker) => this.#staff.replace(worker),
    );
    this.#gate = new StartGate(options.name);
    this.#log = new WorkerLog(logger, options.name, this.#ledger, clock);
  }

  get free(): number {
    if (this.#state !== 'running') return 0;
    return Math.max(0, this.#dispatcher.capacity(this.#staff.shared) - this.#ledger.size);
  }

  get inFlight(): number {
    return this.#ledger.size;
  }

  has(token: string): boolean {
    return this.#ledger.get(token) !== undefined || this.#staff.hasZombie(token);
  }

  get tasks(): ReadonlyMap<string, TaskManifest> {
    return this.#staff.tasks;
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
    const { readyTimeout, required } = this.#staff.generation.options;
    const late = clock.setTimer(readyTimeout + LATE_GRACE_MS, () => this.#gate.late(readyTimeout));
    this.#staff.start();
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
    this.#staff.quiet();
  }

  stop(deadline: AbortSignal): Promise<void> {
    this.#stopped ??= this.#stop(deadline);
    return this.#stopped;
  }

  async #stop(deadline: AbortSignal): Promise<void> {
    this.#state = 'stopping';
    this.#gate.fail('the pool was stopped before');
    this.#staff.stop();
    for (const flight of this.#dispatcher.clear()) this.#end(flight, HANDED_BACK);
    await this.#staff.end(deadline);
    this.#enforcer.stop();
    this.#ledger.tell();
    this.#state = 'stopped';
  }

  scale(workers: number): void {
    this.#staff.scale(workers);
  }

  roll(next: PoolOptions): Promise<RollReport> {
    return this.#staff.roll(next);
  }

  renew(slot: number): Promise<WorkerRenewal> {
    return this.#staff.renewal.renew(slot);
  }

  stacks(ms: number): Promise<readonly WorkerStack[]> {
    return stacksOf(this.#staff.all, ms);
  }

  status(): PoolStatus {
    const { slots, others, crashLoop, generation } = this.#staff;
    const { name, kind, queues, concurrency } = generation.options;
    return statusOf({
      name,
      kind,
      queues,
      host: generation.hosts.host.type,
      generation: generation.number,
      slots,
      others,
      crashLoop,
      now: this.#services.clock.monotonic(),
      state: this.#state,
      concurrency: kind === 'process' ? slots.length : concurrency,
    });
  }

  progress(): readonly Progress[] {
    const reports: Progress[] = [];
    for (const { token, progress } of this.#ledger.values())
      if (progress !== null) reports.push({ token, ...progress });
    return reports;
  }

  deliveries(): readonly RunningDelivery[] {
    const now = this.#services.clock.monotonic();
    return [...this.#ledger.values()].map(({ delivery, worker, startedAt, progress }) => ({
      delivery,
      worker: worker?.boot.slot ?? null,
      pid: worker?.pid ?? null,
      runMs: startedAt === null ? null : now - startedAt,
      progress,
    }));
  }

  announced(worker: WorkerHandle): void {
    this.#log.ready(worker, this.#services.clock.monotonic() - worker.bornAt);
    this.#gate.ready();
    this.#staff.ready(worker);
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

  untold(flights: readonly Flight[]): void {
    const now = this.#services.clock.monotonic();
    for (const flight of flights) this.#enforcer.limit(flight, now);
  }

  output(worker: WorkerHandle, stream: 'stdout' | 'stderr', line: string, token: string | null): void {
    this.#log.output(worker, stream, line, token);
  }

  stalled(worker: WorkerHandle, ms: number): void {
    void worker.stack(STACK_MS).then((sample) => this.#log.stalled(worker, ms, sample));
  }

  exited(worker: WorkerHandle, info: ExitInfo): void {
    const { kernelOom } = this.#services;
    const { cause, outcomes, countsForPool } = inquest(worker, info, kernelOom.explainsOne);
    this.#log.exited(worker, cause, info.lastWords);
    for (const [flight, outcome] of outcomes) this.#end(flight, outcome);
    if (cause.kind === 'boot_failure') this.#gate.bootFailed(worker, cause.text, info.lastWords);
    this.#staff.exited(worker, cause, countsForPool, info.lastWords);
    this.#dispatch();
    this.#staff.forget(worker);
  }

  /** Begins a suspect at once, in a worker of its own, where others would run beside it. */
  #runsAlone(flight: Flight): boolean {
    if (!flight.delivery.alone) return false;
    const worker = this.#staff.hireAlone();
    worker?.give([flight]);
    return worker !== null;
  }

  #dispatch(): void {
    if (this.#state === 'running' || this.#state === 'quiet') {
      this.#dispatcher.dispatch(this.#staff.shared);
    }
  }

  #started(worker: WorkerHandle, tokens: readonly string[]): void {
    const now = this.#services.clock.monotonic();
    for (const token of tokens) {
      const flight = worker.inside.get(token);
      if (flight === undefined) continue;
      flight.start(now);
      this.#enforcer.limit(flight, now);
    }
  }

  #workerEnded(worker: WorkerHandle, { ended, started }: Extract<FromWorker, { type: 'ended' }>): void {
    const now = this.#services.clock.monotonic();
    let completed = false;
    let roomAgain = false;
    for (const { token, outcome } of ended) {
      const flight = worker.inside.get(token);
      if (flight === undefined) roomAgain = worker.zombies.delete(token) || roomAgain;
      else {
        if (flight.started) worker.jobs += 1;
        this.#end(flight, flight.ownEnd(outcome), now);
      }
      completed ||= outcome.type === 'completed';
    }
    if (completed) this.#staff.completed(worker);
    this.#staff.ended(worker);
    if (started !== undefined) this.#started(worker, started);
    if (worker.state === 'draining' && worker.inside.size === 0 && worker.zombies.size > 0)
      worker.kill('recycle');
    this.#dispatch();
    // No end of a delivery tells of it: that came long ago.
    if (roomAgain && this.free > 0) this.#onFree();
  }

  #end(flight: Flight, outcome: Outcome, now = this.#services.clock.monotonic()): void {
    const { worker } = flight;
    worker?.release(flight);
    if (worker?.forOne) worker.drain();
    this.#enforcer.ended(flight);
    if (flight.startedAt !== null) this.#dispatcher.ran(flight, now - flight.startedAt);
    this.#ledger.end(flight, outcome, now);
  }
}

/** After the worker's own time is up: so long it may take to be gone and leave its last words. */
const LATE_GRACE_MS = 1_000;

/** For whoever wants to know where code is: what runs no JavaScript costs all of it. */
const STACK_MS = 1_000;

const HANDED_BACK: Outcome = { type: 'interrupted', reason: 'handed_back' };
