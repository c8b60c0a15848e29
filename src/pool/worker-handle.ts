import type { Clock, Timer } from '../lib/clock.ts';
import type { ErrorRecord } from '../lib/errors.ts';
import type { TaskManifest } from '../task/define.ts';
import type { AbortReason } from '../task/outcome.ts';
import type { ExitInfo, WorkerBoot, WorkerChannel, WorkerHost } from './host/host.ts';
import type { FromWorker } from './host/protocol.ts';
import type { StackSample } from './host/stack.ts';
import type { Flight } from './ledger.ts';
import {
  advance,
  BORN,
  type Ending,
  type WorkerAction,
  type WorkerEvent,
  type WorkerLife,
} from './lifecycle.ts';
import type { WorkerState } from './pool.ts';

/** Who hears of a worker. Nothing comes after `exited`. */
export interface WorkerOwner {
  /** It is ready. */
  announced(worker: WorkerHandle): void;
  message(worker: WorkerHandle, message: FromWorker): void;
  /** Sent to a worker that notes what it begins and tells nobody. */
  untold(flights: readonly Flight[]): void;
  output(worker: WorkerHandle, stream: 'stdout' | 'stderr', line: string, token: string | null): void;
  /** Its job has stood still for so long: no processor time was used, no ping answered. */
  stalled(worker: WorkerHandle, ms: number): void;
  exited(worker: WorkerHandle, info: ExitInfo): void;
}

export interface WorkerOptions {
  readonly host: WorkerHost;
  readonly boot: WorkerBoot;
  readonly forOne: boolean;
  readonly clock: Clock;
  readonly readyTimeoutMs: number;
}

/** How long is waited for the stack of what hangs; who waits for a worker to get ready is told soon after its time is up. */
const STACK_MS = { ready_timeout: 500, blocked: 4_000, stalled: 4_000 } as const;

/** One worker from its start to its exit: its channel, its state and what is inside it. */
export class WorkerHandle {
  readonly boot: WorkerBoot;
  /** Monotonic. */
  readonly bornAt: number;
  /** It runs one suspect and ends. */
  readonly forOne: boolean;
  /** What was sent to it and has not ended, in the order sent. */
  readonly inside = new Map<string, Flight>();
  /** Ended for the pool, but their code still runs in there. */
  readonly zombies = new Set<string>();
  wasReady = false;
  /** It is ready and waits for its slot: nothing is given to it yet. */
  held = false;
  /** The tasks that it has loaded. */
  tasks: ReadonlyMap<string, TaskManifest> = new Map();
  /** How many have run in it to their end. */
  jobs = 0;
  culprit: { readonly token: string | null; readonly error: ErrorRecord } | null = null;
  bootError: ErrorRecord | null = null;
  /** Pings without an answer (loop-watch.ts). */
  unanswered = 0;
  /** Pings answered. */
  pongs = 0;
  /** Its job stands still (stall-watch.ts). */
  stalled = false;
  /** Where its code was when it was killed because it hung. */
  hungAt: StackSample | null = null;
  readonly #owner: WorkerOwner;
  readonly #channel: WorkerChannel;
  readonly #readyTimer: Timer;
  #life: WorkerLife = BORN;
  #asking = false;

  constructor(owner: WorkerOwner, { host, boot, forOne, clock, readyTimeoutMs }: WorkerOptions) {
    this.boot = boot;
    this.forOne = forOne;
    this.bornAt = clock.monotonic();
    this.#owner = owner;
    this.#readyTimer = clock.setTimer(readyTimeoutMs, () => {
      const still = () => this.state === 'starting';
      if (still()) void this.killHung('ready_timeout', still);
    });
    this.#channel = host.spawn(boot, {
      message: (message) => this.#hear(message),
      output: (stream, line, token) => owner.output(this, stream, line, token),
      exit: (info) => {
        this.#readyTimer.cancel();
        this.#apply({ type: 'exit' });
        owner.exited(this, info);
      },
    });
  }

  get state(): WorkerState {
    return this.#life.state;
  }

  get ending(): Ending | null {
    return this.#life.ending;
  }

  get pid(): number | null {
    return this.#channel.pid ?? null;
  }

  /** Whether deliveries may be given to it. */
  get open(): boolean {
    return (this.state === 'ready' || this.state === 'busy') && this.culprit === null && !this.held;
  }

  get running(): number {
    let running = 0;
    for (const flight of this.inside.values()) if (flight.started) running += 1;
    return running;
  }

  /** As its board has it, monotonic; null for what has not begun. */
  startedAt(place: number): number | null {
    return this.#channel.starts?.startedAt(place) ?? null;
  }

  /** Puts them inside; a worker that is not ready gets them when it is. */
  give(flights: readonly Flight[]): void {
    for (const flight of flights) {
      flight.worker = this;
      this.inside.set(flight.token, flight);
    }
    this.#loadChanged();
    if (this.state !== 'starting') this.#sendRun(flights);
  }

  /** Takes one out that has ended for the pool. `stillRuns`: its code could not be stopped. */
  release(flight: Flight, stillRuns = false): void {
    if (!this.inside.delete(flight.token)) return;
    if (flight.place !== null) this.#leaveBoard(flight, flight.place);
    if (stillRuns) this.zombies.add(flight.token);
    if (this.inside.size === 0) this.#loadChanged();
  }

  abort(tokens: readonly string[], reason: AbortReason): void {
    if (this.wasReady) this.#channel.send({ type: 'abort', tokens, reason });
  }

  /** What was aborted before keeps its reason. */
  abortAll(reason: Exclude<AbortReason, 'timeout'>): void {
    for (const flight of this.inside.values()) flight.aborted ??= reason;
    this.abort([...this.inside.keys()], reason);
  }

  ping(): void {
    this.#channel.send({ type: 'ping', number: this.unanswered });
  }

  drain(): void {
    this.#apply({ type: 'drain' });
  }

  /** As `WorkerChannel.stack`. */
  stack(ms: number): Promise<StackSample | null> {
    return this.#channel.stack(ms);
  }

  /**
   * Asks where its code is, then kills it, unless `still` says no by then. What it was doing stands in the log, and in the
   * error of the job whose code that was.
   */
  async killHung(why: keyof typeof STACK_MS, still: () => boolean): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const sample = await this.#channel.stack(STACK_MS[why]);
    this.#asking = false;
    if (this.state === 'exited' || !still()) return;
    this.hungAt = sample;
    this.kill(why);
  }

  kill(why: Ending): void {
    this.#apply({ type: 'kill', why });
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#readyTimer.cancel();
        if (this.#apply({ type: 'ready' }) === 'announce') this.#announce(message);
        return;
      case 'boot_failed':
        this.bootError = message.error;
        this.#apply({ type: 'boot_failed' });
        return;
      case 'culprit':
        this.culprit = { token: message.token, error: message.error };
        return;
      case 'pong':
        this.unanswered = 0;
        this.pongs += 1;
        return;
      case 'leaving':
      case 'bye':
        this.#apply(message);
        return;
      default:
        this.#owner.message(this, message);
    }
  }

  #announce(message: Extract<FromWorker, { type: 'ready' }>): void {
    this.wasReady = true;
    this.tasks = new Map(message.tasks.map((task) => [task.name, task]));
    const waiting = [...this.inside.values()];
    if (waiting.length > 0) this.give(waiting);
    this.#owner.announced(this);
  }

  #sendRun(flights: readonly Flight[]): void {
    const { starts } = this.#channel;
    if (starts !== undefined) for (const flight of flights) flight.place = starts.place(flight);
    this.#channel.send({ type: 'run', deliveries: flights.map(({ delivery }) => delivery) });
    if (starts !== undefined) this.#owner.untold(flights);
  }

  /** When it began is asked for once more after this, and no longer known there. */
  #leaveBoard(flight: Flight, place: number): void {
    void flight.startedAt;
    this.#channel.starts?.leave(place, flight);
  }

  #loadChanged(): void {
    this.#apply({ type: 'load', inside: this.inside.size });
  }

  #apply(event: WorkerEvent): WorkerAction | null {
    const { life, action } = advance(this.#life, event);
    this.#life = life;
    if (action === 'kill') this.#channel.kill();
    else if (action === 'send_drain') this.#channel.send({ type: 'drain' });
    else if (action === 'send_exit') this.#channel.send({ type: 'exit' });
    return action;
  }
}
