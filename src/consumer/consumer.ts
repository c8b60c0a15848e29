import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../lib/clock.ts';
import { Condition } from '../lib/condition.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { Service } from '../lib/service.ts';
import type { Ended, Pool } from '../pool/pool.ts';
import type { QueueSettings } from './delivery.ts';
import { settleEnded } from './line-deliveries.ts';
import { createLine } from './line-session.ts';
import { losePatience } from './patience.ts';
import { Pump } from './pump.ts';
import type { QueueLine } from './queue-line.ts';
import type { QueueSession } from './queue-session.ts';
import type { QueueSessionOptions } from './session-contract.ts';
import { StandingPlace } from './standing-place.ts';
import { SuspectGate } from './suspect-gate.ts';
import type { SuspectTurn } from './suspect-turn.ts';
import { WakeListener } from './wake-listener.ts';

export interface ConsumerOptions {
  readonly pool: Pool;
  readonly broker: Broker;
  readonly queues: readonly QueueSettings[];
  readonly session: Omit<
    QueueSessionOptions,
    'queue' | 'broker' | 'clock' | 'random' | 'log' | 'listener' | 'bounds'
  >;
  /** Shared by the consumers of a daemon. */
  readonly suspectTurn: SuspectTurn;
  /** What happens to running jobs whose lease is gone. */
  readonly onLeaseLost: 'stop' | 'continue';
  /** A lease was opened under this daemon id; called before anything is claimed with it. */
  readonly onSession?: (queue: string, daemon: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * So long the next blocking read waits for a job to end, where jobs take no longer: a worker that was just woken often gets the core
 * that this thread leaves.
 */
const GIVE_WAY_MS = 1;

/**
 * Moves the deliveries of one pool's queues: claims for free slots, hands them to the pool, settles what ended. Settlements
 * travel with the next claim; nothing waits for a timer while there is work.
 */
export class Consumer implements Service {
  readonly #options: ConsumerOptions;
  readonly #lines: readonly QueueLine[];
  #state: 'new' | 'running' | 'paused' | 'quiet' | 'stopped' = 'new';
  readonly #byName = new Map<string, QueueLine>();
  readonly #suspects: SuspectGate;
  readonly #pump: Pump;
  readonly #changed = new Condition();
  /** Ends the listening for wakes; each time it begins there is a new one. */
  #listening = new AbortController();
  #listener: WakeListener | null = null;
  readonly #place = new StandingPlace();
  /** Called when deliveries have ended: who gives way to them goes on. */
  #onSettled: () => void = () => {};

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#lines = options.queues.map((settings) => this.#createLine(settings));
    for (const line of this.#lines) this.#byName.set(line.name, line);
    this.#suspects = new SuspectGate({
      turn: options.suspectTurn,
      lines: this.#lines,
      isRunning: () => this.#state === 'running',
      isEmpty: () => this.#pump.isEmpty,
      onTurn: (queues) => this.#pump.wake(queues),
    });
    this.#pump = new Pump({
      pool: options.pool,
      lines: this.#lines,
      suspects: this.#suspects,
      place: this.#place,
      fenceAfterMs: options.session.fenceAfterMs,
      isActive: () => this.#state !== 'new' && this.#state !== 'stopped',
      isRunning: () => this.#state === 'running',
      hurry: () => this.#listener?.hurry(),
      changed: this.#changed,
      log: options.log,
    });
    options.pool.onEnded((ended) => this.#settleAll(ended));
    options.pool.onFree(() => {
      this.#pump.send();
      this.#changed.notify();
    });
  }

  get sessions(): readonly QueueSession[] {
    return this.#lines.map((line) => line.session);
  }

  /** New settings for queues of this pool: they hold for jobs that are claimed from now on. */
  configure(queues: readonly QueueSettings[]): void {
    for (const settings of queues) {
      const line = this.#lines.find(({ name }) => name === settings.name);
      if (line !== undefined) line.settings = settings;
    }
  }

  get pool(): Pool {
    return this.#options.pool;
  }

  /** Jobs claimed so far. */
  get claimed(): number {
    return this.#pump.claimed;
  }

  /** Queues of which a job that is ready would be claimed at once, if a slot is free. */
  get openQueues(): readonly string[] {
    const waits = this.#lines.some((line) => line.suspects || line.holdsAlone);
    if (this.#state !== 'running' || waits) return [];
    return this.#lines.filter((line) => line.session.state === 'open').map((line) => line.name);
  }

  /** Resolves at once: a broker that is away is waited for in the background. */
  async start(): Promise<void> {
    this.#state = 'running';
    for (const line of this.#lines) void line.session.open();
    this.#listen();
  }

  /** Nothing more is claimed until `resume`; what is held runs on and is settled. Only while it runs. */
  pause(): void {
    if (this.#state === 'running') this.#rest('paused');
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    this.#listen();
    this.#pump.wake(this.#lines.map((line) => line.name));
  }

  /** Listens for wakes anew and asks every queue. Harmless at any time. */
  renew(): void {
    if (this.#state !== 'running') return;
    this.#rest('paused');
    this.resume();
  }

  quiet(): void {
    if (this.#state === 'running' || this.#state === 'paused') this.#rest('quiet');
  }

  #rest(state: 'paused' | 'quiet'): void {
    this.#state = state;
    this.#listening.abort();
    for (const line of this.#lines) line.setDue(null, () => {});
    this.#suspects.look();
  }

  #listen(): void {
    this.#listening = new AbortController();
    const { broker, pool, clock, random, log } = this.#options;
    this.#listener = new WakeListener(
      {
        broker,
        queues: this.#lines.map((line) => line.name),
        hasRoom: () => pool.free > 0,
        changed: this.#changed,
        onRead: (behind) => {
          this.#place.heed(behind);
          this.#pump.standBehind();
        },
        onWake: (queues) => this.#hearWake(queues),
        onPoll: () => this.#poll(),
        clock,
        random,
        log,
      },
      this.#listening.signal,
    );
    this.#listener.start();
  }

  /** Call it when the pool has stopped: sends the last settlements and closes the sessions. */
  async stop(deadline: AbortSignal): Promise<void> {
    if (this.#state === 'stopped') return;
    this.quiet();
    const settled = () =>
      this.#lines.every(
        (line) => line.held.size === 0 && line.unsettled === 0 && line.session.underWay === 0,
      );
    this.#pump.send();
    const patience = new AbortController();
    const { clock, broker } = this.#options;
    void losePatience(
      { clock, isUp: () => broker.up, answered: () => this.#pump.answered },
      patience,
      deadline,
    );
    const complete = await this.#changed.until(settled, patience.signal);
    patience.abort();
    this.#state = 'stopped';
    this.#suspects.leave();
    if (!complete) this.#logUnreleased();
    await Promise.all(this.#lines.map((line) => (complete ? line.session.close() : line.session.abandon())));
  }

  #createLine(settings: QueueSettings): QueueLine {
    const { broker, clock, random, log, session, onSession } = this.#options;
    return createLine(settings, {
      session: { ...session, broker, clock, random, log },
      onSession: (queue, daemon) => onSession?.(queue, daemon),
      pump: () => this.#pump.send(),
      hurry: () => this.#listener?.hurry(),
      abort: (tokens) => this.#abortHeld(tokens),
    });
  }

  #settleAll(ended: readonly Ended[]): void {
    const { random, log } = this.#options;
    for (const end of ended) {
      // Pools take turns: this one may ask again.
      if (end.delivery.alone) this.#suspects.leave();
      if (end.runMs !== null) this.#pump.noteRun(end.runMs);
      const line = this.#byName.get(end.delivery.queue);
      if (line !== undefined) settleEnded(line, end, random, log);
    }
    this.#changed.notify();
    this.#pump.send();
    this.#onSettled();
  }

  #abortHeld(tokens: readonly string[]): void {
    if (this.#options.onLeaseLost === 'stop' && tokens.length > 0)
      this.#options.pool.abort(tokens, 'lease_lost', 0);
    this.#changed.notify();
  }

  /**
   * Claims first, and resolves when that is answered, or nothing was to be asked, and short jobs had a moment to run: a new
   * blocking read would only be in the way of the job that is awaited.
   */
  async #hearWake(queues: readonly string[]): Promise<void> {
    const { answered } = this.#pump;
    if (!this.#place.covered()) this.#pump.wake(queues);
    const isAnswered = () =>
      this.#pump.answered > answered || this.#lines.every((line) => line.session.underWay === 0);
    await this.#changed.until(isAnswered, this.#listening.signal);
    if (this.#options.pool.inFlight > 0 && this.#pump.runsWithin(GIVE_WAY_MS)) await this.#giveWay();
  }

  /** Resolves when a delivery has ended, or after a moment. */
  #giveWay(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(GIVE_WAY_MS, resolve);
      this.#onSettled = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** Another daemon may have run the suspects that this pool waits for, and nothing else would tell. */
  #poll(): void {
    // The end of the read that an exchange stands behind is the poll of its queue.
    const lines = this.#lines.filter((line) => !line.session.waiting);
    for (const line of lines) line.pollDue = true;
    this.#pump.wake(lines.map((line) => line.name));
  }

  #logUnreleased(): void {
    const unreleased = this.#lines.reduce((sum, line) => sum + line.session.inFlight, 0);
    this.#options.log.error('the broker did not answer: jobs stay leased until the lease lapses', {
      unreleased,
    });
  }
}
