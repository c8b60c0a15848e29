import type { ExchangeBehind, ExchangeDone } from '../broker/messages/exchange.ts';
import type { Condition } from '../lib/condition.ts';
import type { Logger } from '../lib/logger.ts';
import { addToMean, type MovingMean } from '../lib/moving-mean.ts';
import type { Pool } from '../pool/pool.ts';
import { nextClaim, STANDING_CLAIM, STANDING_FENCE_MS, shareOf } from './batching.ts';
import { logReply } from './consumer-log.ts';
import { holdAll } from './line-deliveries.ts';
import type { QueueLine } from './queue-line.ts';
import type { Exchanged } from './session-contract.ts';
import type { StandingPlace } from './standing-place.ts';
import type { SuspectGate } from './suspect-gate.ts';

export interface PumpOptions {
  readonly pool: Pool;
  readonly lines: readonly QueueLine[];
  readonly suspects: SuspectGate;
  readonly place: StandingPlace;
  readonly fenceAfterMs: number;
  /** Whether exchanges may be sent: settlements at least. */
  readonly isActive: () => boolean;
  /** Whether jobs may be claimed. */
  readonly isRunning: () => boolean;
  /** Ends the wait that an exchange stands behind. */
  readonly hurry: () => void;
  /** Notified after each exchange. */
  readonly changed: Condition;
  readonly log: Logger;
}

/**
 * Sends the exchanges of a pool's lines and hands what they bring to the pool: it decides when one is worth sending, which
 * line's turn it is, and how much it may claim.
 */
export class Pump {
  readonly #options: PumpOptions;
  #claimed = 0;
  #meanRunMs: MovingMean = null;
  /** Slots that exchanges under way may fill. */
  #reserved = 0;
  /** Where the next round begins, so that queues take turns. */
  #turn = 0;
  #answered = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** Jobs claimed so far. */
  get claimed(): number {
    return this.#claimed;
  }

  /** Exchanges that have ended, well or not. */
  get answered(): number {
    return this.#answered;
  }

  /** The pool runs nothing, and no exchange under way may bring it something. */
  get isEmpty(): boolean {
    return this.#options.pool.inFlight === 0 && this.#reserved === 0;
  }

  /** A job has run for so long: short ones are claimed by batches. */
  noteRun(runMs: number): void {
    this.#meanRunMs = addToMean(this.#meanRunMs, runMs);
  }

  /** Whether jobs of late have taken at most so long in the mean. */
  runsWithin(ms: number): boolean {
    return this.#meanRunMs !== null && this.#meanRunMs <= ms;
  }

  /** These queues may have something to claim. */
  wake(queues: readonly string[]): void {
    for (const line of this.#options.lines) if (queues.includes(line.name)) line.wake();
    this.send();
  }

  /** Sends every exchange that is worth sending now. */
  send(): void {
    const { lines, suspects, isActive, hurry } = this.#options;
    if (!isActive()) return;
    const hungry = lines.filter((line) => line.hungry && line.session.ready);
    suspects.look();
    this.#turn++;
    for (let i = 0; i < lines.length; i++) {
      const line = lines[(this.#turn + i) % lines.length] as QueueLine;
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
      else if (waiting && line.hungry) hurry();
    }
    this.standBehind();
  }

  /** Sends the next claim behind the read, where nothing is known that could be claimed now. */
  standBehind(): void {
    const { lines, suspects, place, fenceAfterMs } = this.#options;
    const [line] = lines;
    if (!place.isFree || line === undefined) return;
    if (fenceAfterMs < STANDING_FENCE_MS) return;
    if (!line.isIdle || suspects.isOpen) return;
    const claim = Math.min(this.#claimable(line, 1), STANDING_CLAIM);
    if (claim > 0) void this.#exchange(line, claim, place.take());
  }

  /** How many jobs a queue may claim now. While suspects wait the pool runs empty; then one of them is claimed alone. */
  #claimable(line: QueueLine, hungryQueues: number): number {
    const { pool, suspects, isRunning } = this.#options;
    if (!isRunning() || line.session.state !== 'open' || suspects.holdsAlone) return 0;
    if (suspects.isOpen) return suspects.admits(line) && pool.free > 0 ? 1 : 0;
    return shareOf(pool.free - this.#reserved, hungryQueues, this.#meanRunMs);
  }

  async #exchange(line: QueueLine, claim: number, behind: ExchangeBehind | null = null): Promise<void> {
    const { pool, suspects, changed } = this.#options;
    const alone = claim > 0 && suspects.admits(line);
    if (alone) suspects.ask();
    const settle = line.takeSettlements();
    const { wakes } = line;
    line.pollDue = false;
    this.#reserved += claim;
    const exchanged = await line.session.exchange(settle, claim, alone, behind);
    this.#reserved -= claim;
    this.#answered++;
    // While a claim stood, the pool may have lost a worker.
    const room = behind === null ? claim : Math.max(0, pool.free);
    if (exchanged.type === 'done') this.#take(line, exchanged, wakes, room);
    // Not before: what it brought keeps the turn from here on.
    if (alone) suspects.asked();
    changed.notify();
    this.send();
  }

  #take(
    line: QueueLine,
    { reply, jobs, startable }: Exchanged & { type: 'done' },
    wakes: number,
    room: number,
  ): void {
    const { suspects, isRunning, log } = this.#options;
    logReply(log, line.name, reply);
    line.suspects = reply.suspects;
    suspects.look();
    // A wake that came meanwhile is newer than this answer.
    line.hungry = reply.more || (reply.suspects && suspects.isOpen) || line.wakes !== wakes;
    if (isRunning()) line.setDue(reply.nextDueMs, () => this.wake([line.name]));
    this.#claimed += jobs.length;
    const taken = startable && isRunning() ? room : 0;
    if (taken > 0) this.#run(line, jobs.slice(0, taken));
    for (const { token } of jobs.slice(taken)) line.settle({ type: 'release', token });
  }

  #run(line: QueueLine, jobs: ExchangeDone['jobs']): void {
    const { pool, log } = this.#options;
    const deliveries = holdAll(line, jobs, pool, log);
    if (deliveries.length > 0) pool.run(deliveries);
  }
}
