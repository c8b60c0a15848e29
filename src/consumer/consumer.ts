import type { Broker } from '../broker/broker.ts';
import type { ExchangeBehind, ExchangeDone } from '../broker/messages/exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { Condition } from '../lib/condition.ts';
import type { Logger } from '../lib/logger.ts';
import { addToMean, type MovingMean } from '../lib/moving-mean.ts';
import type { Random } from '../lib/random.ts';
import type { Service } from '../lib/service.ts';
import type { Ended, Pool } from '../pool/pool.ts';
import { nextClaim, STANDING_CLAIM, STANDING_FENCE_MS, shareOf } from './batching.ts';
import { logReply } from './consumer-log.ts';
import type { QueueSettings } from './delivery.ts';
import { holdAll, settleEnded } from './line-deliveries.ts';
import { createLine } from './line-session.ts';
import { losePatience } from './patience.ts';
import type { QueueLine } from './queue-line.ts';
import type { QueueSession } from './queue-session.ts';
import type { Exchanged, QueueSessionOptions } from './session-contract.ts';
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
 * Moves the deliveries of one pool's queues: claims for free slots, hands them to the pool, settles what ended. Settlements
 * travel with the next claim; nothing waits for a timer while there is work.
 */
export class Consumer implements Service {
  readonly #options: ConsumerOptions;
  readonly #lines: readonly QueueLine[];
  #state: 'new' | 'running' | 'paused' | 'quiet' | 'stopped' = 'new';
  #claimed = 0;
  #meanRunMs: MovingMean = null;
  readonly #byName = new Map<string, QueueLine>();
  readonly #suspects: SuspectGate;
  /** Slots that exchanges under way may fill. */
  #reserved = 0;
  /** Where the next round begins, so that queues take turns. */
  #turn = 0;
  /** Exchanges that have ended, well or not. */
  #answered = 0;
  readonly #changed = new Condition();
  /** Ends the listening for wakes; each time it begins there is a new one. */
  #listening = new AbortController();
  #listener: WakeListener | null = null;
  readonly #place = new StandingPlace();

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#lines = options.queues.map((settings) => this.#createLine(settings));
    for (const line of this.#lines) this.#byName.set(line.name, line);
    this.#suspects = new SuspectGate({
      turn: options.suspectTurn,
      lines: this.#lines,
      isRunning: () => this.#state === 'running',
      isEmpty: () => this.#isEmpty(),
      onTurn: (queues) => this.#wake(queues),
    });
    options.pool.onEnded((ended) => this.#settleAll(ended));
    options.pool.onFree(() => {
      this.#pump();
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
    return this.#claimed;
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
    this.#wake(this.#lines.map((line) => line.name));
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
        onRead: (behind) => this.#heedRead(behind),
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
    this.#pump();
    const patience = new AbortController();
    const { clock, broker } = this.#options;
    void losePatience({ clock, isUp: () => broker.up, answered: () => this.#answered }, patience, deadline);
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
      pump: () => this.#pump(),
      hurry: () => this.#listener?.hurry(),
      abort: (tokens) => this.#abortHeld(tokens),
    });
  }

  /** Sends every exchange that is worth sending now. */
  #pump(): void {
    if (this.#state === 'new' || this.#state === 'stopped') return;
    const hungry = this.#lines.filter((line) => line.hungry && line.session.ready);
    this.#suspects.look();
    this.#turn++;
    for (let i = 0; i < this.#lines.length; i++) {
      const line = this.#lines[(this.#turn + i) % this.#lines.length] as QueueLine;
      if (!line.session.ready) continue;
      const { waiting } = line.session;
      const underWay = line.session.underWay - (waiting ? 1 : 0);
      const claim = nextClaim(
        { underWay, settlements: line.unsettled, hungry: line.hungry },
        this.#claimable(line, hungry.length),
      );
      if (claim !== null) void this.#exchange(line, claim);
      else if (line.asksForSuspects) void this.#exchange(line, 0);
      // What made it hungry is perhaps not what ends the wait.
      else if (waiting && line.hungry) this.#listener?.hurry();
    }
    this.#standBehind();
  }

  #heedRead(behind: ExchangeBehind | null): void {
    this.#place.heed(behind);
    this.#standBehind();
  }

  /** Sends the next claim behind the read, where nothing is known that could be claimed now. */
  #standBehind(): void {
    const [line] = this.#lines;
    if (!this.#place.isFree || line === undefined) return;
    if (this.#options.session.fenceAfterMs < STANDING_FENCE_MS) return;
    if (!line.isIdle || this.#suspects.isOpen) return;
    const claim = Math.min(this.#claimable(line, 1), STANDING_CLAIM);
    if (claim > 0) void this.#exchange(line, claim, this.#place.take());
  }

  /** How many jobs a queue may claim now. While suspects wait the pool runs empty; then one of them is claimed alone. */
  #claimable(line: QueueLine, hungryQueues: number): number {
    if (this.#state !== 'running' || line.session.state !== 'open' || this.#suspects.holdsAlone) return 0;
    const { pool } = this.#options;
    if (this.#suspects.isOpen) return this.#suspects.admits(line) && pool.free > 0 ? 1 : 0;
    return shareOf(pool.free - this.#reserved, hungryQueues, this.#meanRunMs);
  }

  #isEmpty(): boolean {
    return this.#options.pool.inFlight === 0 && this.#reserved === 0;
  }

  async #exchange(line: QueueLine, claim: number, behind: ExchangeBehind | null = null): Promise<void> {
    const alone = claim > 0 && this.#suspects.admits(line);
    if (alone) this.#suspects.ask();
    const settle = line.takeSettlements();
    const { wakes } = line;
    line.pollDue = false;
    this.#reserved += claim;
    const exchanged = await line.session.exchange(settle, claim, alone, behind);
    this.#reserved -= claim;
    this.#answered++;
    // While a claim stood, the pool may have lost a worker.
    const room = behind === null ? claim : Math.max(0, this.#options.pool.free);
    if (exchanged.type === 'done') this.#take(line, exchanged, wakes, room);
    // Not before: what it brought keeps the turn from here on.
    if (alone) this.#suspects.asked();
    this.#changed.notify();
    this.#pump();
  }

  #take(
    line: QueueLine,
    { reply, jobs, startable }: Exchanged & { type: 'done' },
    wakes: number,
    room: number,
  ): void {
    logReply(this.#options.log, line.name, reply);
    line.suspects = reply.suspects;
    this.#suspects.look();
    // A wake that came meanwhile is newer than this answer.
    line.hungry = reply.more || (reply.suspects && this.#suspects.isOpen) || line.wakes !== wakes;
    if (this.#state === 'running') line.setDue(reply.nextDueMs, () => this.#wake([line.name]));
    this.#claimed += jobs.length;
    const taken = startable && this.#state === 'running' ? room : 0;
    if (taken > 0) this.#run(line, jobs.slice(0, taken));
    for (const { token } of jobs.slice(taken)) line.settle({ type: 'release', token });
  }

  #run(line: QueueLine, jobs: ExchangeDone['jobs']): void {
    const { pool, log } = this.#options;
    const deliveries = holdAll(line, jobs, pool, log);
    if (deliveries.length > 0) pool.run(deliveries);
  }

  #settleAll(ended: readonly Ended[]): void {
    const { random, log } = this.#options;
    for (const end of ended) {
      // Pools take turns: this one may ask again.
      if (end.delivery.alone) this.#suspects.leave();
      if (end.runMs !== null) this.#meanRunMs = addToMean(this.#meanRunMs, end.runMs);
      const line = this.#byName.get(end.delivery.queue);
      if (line !== undefined) settleEnded(line, end, random, log);
    }
    this.#changed.notify();
    this.#pump();
  }

  #abortHeld(tokens: readonly string[]): void {
    if (this.#options.onLeaseLost === 'stop' && tokens.length > 0)
      this.#options.pool.abort(tokens, 'lease_lost', 0);
    this.#changed.notify();
  }

  #wake(queues: readonly string[]): void {
    for (const line of this.#lines) if (queues.includes(line.name)) line.wake();
    this.#pump();
  }

  /**
   * Claims first, and resolves when that is answered, or nothing was to be asked: a new blocking read would only be in the way
   * of the job that is awaited.
   */
  #hearWake(queues: readonly string[]): Promise<unknown> {
    const answered = this.#answered;
    if (!this.#place.covered()) this.#wake(queues);
    const isAnswered = () =>
      this.#answered > answered || this.#lines.every((line) => line.session.underWay === 0);
    return this.#changed.until(isAnswered, this.#listening.signal);
  }

  /** Another daemon may have run the suspects that this pool waits for, and nothing else would tell. */
  #poll(): void {
    // The end of the read that an exchange stands behind is the poll of its queue.
    const lines = this.#lines.filter((line) => !line.session.waiting);
    for (const line of lines) line.pollDue = true;
    this.#wake(lines.map((line) => line.name));
  }

  #logUnreleased(): void {
    const unreleased = this.#lines.reduce((sum, line) => sum + line.session.inFlight, 0);
    this.#options.log.error('the broker did not answer: jobs stay leased until the lease lapses', {
      unreleased,
    });
  }
}
