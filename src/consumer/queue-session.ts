import { BrokerError } from '../broker/broker-error.ts';
import type { ExchangeBehind, ExchangeDone, ExchangeReply, Settlement } from '../broker/messages/exchange.ts';
import type { HeartbeatReply } from '../broker/messages/lease.ts';
import { Condition } from '../lib/condition.ts';
import { Accounts } from './accounts.ts';
import { callPause } from './call-pause.ts';
import type { Exchanged, QueueSessionOptions } from './session-contract.ts';

/** Of failed attempts: about once a minute. */
const TOLD_EVERY = 30;

/** `waiting`: sent behind a wait, answered at its end. */
type LaneState = 'idle' | 'waiting' | 'sent' | 'resyncing';

/**
 * One daemon's standing on one queue: its lease, its two lanes with their numbers, and the deliveries it holds. An exchange
 * is repeated as it is until it is answered or the session ends.
 *
 *     closed → opening → open ⇄ fenced      (no renewal confirmed for `fenceAfterMs`)
 *                ↑________|________|        lost: the lease was taken; a new id is drawn
 *     any → closed                          `close`, or `abandon` when the broker is away
 */
export class QueueSession {
  readonly queue: string;
  readonly #options: QueueSessionOptions;
  #state: 'closed' | 'opening' | 'open' | 'fenced' = 'closed';
  #daemon = '';
  #numbers: [number, number] = [0, 0];
  #lanes: [LaneState, LaneState] = ['idle', 'idle'];
  #accounts = new Accounts();
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #resting: Promise<void> | null = null;
  readonly #changed = new Condition();
  /** Aborts the pauses between repeats when the session ends. */
  #ended = new AbortController();

  constructor(options: QueueSessionOptions) {
    this.queue = options.queue;
    this.#options = options;
  }

  /** The id it is known by on this queue; changes when the lease was lost. */
  get daemon(): string {
    return this.#daemon;
  }

  get state(): 'closed' | 'opening' | 'open' | 'fenced' {
    return this.#state;
  }

  /** Deliveries that the broker counts as this daemon's: claimed, and not settled for certain. */
  get inFlight(): number {
    return this.#accounts.size;
  }

  get underWay(): number {
    return this.#lanes.filter((lane) => lane !== 'idle').length;
  }

  /** Whether an exchange stands behind a wait. */
  get waiting(): boolean {
    return this.#lanes.includes('waiting');
  }

  /** Whether an exchange may be sent now. */
  get ready(): boolean {
    return (
      (this.#state === 'open' || this.#state === 'fenced') &&
      this.#resting === null &&
      this.#lanes.includes('idle')
    );
  }

  /** Draws ids until the broker takes one; tries for as long as the session is not closed. */
  async open(): Promise<void> {
    if (this.#state !== 'closed') return;
    this.#begin();
    const { queue, broker, leaseMs, clock, random, newId, log } = this.#options;
    const ended = this.#ended.signal;
    for (let attempt = 0; !ended.aborted; attempt++) {
      const daemon = newId();
      const sentAt = clock.monotonic();
      try {
        if ((await broker.open(queue, { daemon, leaseMs })) === 'refused') continue;
        return this.#opened(daemon, sentAt);
      } catch (error) {
        if (attempt === 0) log.warn('broker does not answer, trying on', { queue, error: String(error) });
        await clock.sleep(callPause(error, attempt, random), ended);
      }
    }
  }

  /**
   * Settles and claims. Resolves when the broker has answered, however long that takes, or the session is over. `behind`:
   * sends it the first time.
   */
  async exchange(
    settle: readonly Settlement[],
    want: number,
    alone: boolean,
    behind: ExchangeBehind | null = null,
  ): Promise<Exchanged> {
    const lane = this.#lanes.indexOf('idle') as 0 | 1;
    const { daemon } = this;
    this.#lanes[lane] = behind === null ? 'sent' : 'waiting';
    let first = behind;
    let owed = settle;
    try {
      for (;;) {
        this.#numbers[lane]++;
        const sent = await this.#send(lane, owed, want, alone, first);
        first = null;
        if (sent === null || this.#daemon !== daemon) return { type: 'over' };
        if (sent.reply.status === 'done') return this.#done(sent.reply, owed, sent.sentAt);
        if (sent.reply.status === 'lost') return this.#lose();
        // The broker forgot recent writes, or met a late copy: agree on numbers again, then send the settlements anew.
        this.#lanes[lane] = 'resyncing';
        this.#changed.notify();
        await this.resync();
        if (this.#daemon !== daemon) return { type: 'over' };
        // The other lane may be handed a vanished delivery anew, under the same token: this would settle that one.
        owed = owed.filter(({ token }) => this.#accounts.has(token));
        this.#lanes[lane] = 'sent';
      }
    } finally {
      if (this.#daemon === daemon) this.#lanes[lane] = 'idle';
      this.#changed.notify();
    }
  }

  /** Renews the lease. Never rejects; a broker that does not answer is left for the next time. */
  async heartbeat(): Promise<void> {
    if (this.#state !== 'open' && this.#state !== 'fenced') return;
    await this.#renew(this.#daemon);
  }

  /**
   * Lets the lanes rest for one round trip and compares accounts: a late copy can hide that the broker rolled back, and a
   * daemon that is full sends nothing that could meet a gap. It renews the lease, too; while fenced it does nothing else.
   */
  async audit(): Promise<void> {
    if (this.#state === 'fenced') await this.heartbeat();
    else if (this.#state === 'open') await this.resync();
  }

  /** Fences when the last confirmed renewal is too old. */
  checkFence(): void {
    const { clock, fenceAfterMs, listener } = this.#options;
    if (this.#state !== 'open' || clock.monotonic() - this.#confirmedAt <= fenceAfterMs) return;
    this.#state = 'fenced';
    listener.fenced();
  }

  async resync(): Promise<void> {
    await this.#rest((daemon) => this.#agree(daemon));
  }

  /** Ends it with the broker's knowledge. Call it when nothing is in flight. Never rejects. */
  async close(): Promise<void> {
    const { daemon } = this;
    const live = this.#state === 'open' || this.#state === 'fenced';
    this.abandon();
    if (live) await this.#options.broker.closeSession(this.queue, { daemon }).catch(() => {});
  }

  /** Ends it here only; the lease lapses by itself. Calls under way end as `over`. */
  abandon(): void {
    if (this.waiting) this.#options.listener.hurried();
    this.#state = 'closed';
    this.#daemon = '';
    this.#ended.abort();
    this.#changed.notify();
  }

  #begin(): void {
    this.#state = 'opening';
    this.#ended = new AbortController();
  }

  #opened(daemon: string, sentAt: number): void {
    if (this.#state !== 'opening') return;
    this.#daemon = daemon;
    this.#numbers = [0, 0];
    this.#lanes = ['idle', 'idle'];
    this.#accounts = new Accounts();
    this.#resting = null;
    this.#confirmedAt = sentAt;
    this.#state = 'open';
    this.#options.listener.opened();
  }

  async #send(
    lane: 0 | 1,
    settle: readonly Settlement[],
    want: number,
    alone: boolean,
    behind: ExchangeBehind | null,
  ): Promise<{ reply: ExchangeReply; sentAt: number } | null> {
    const { broker, queue, leaseMs, bounds, clock, random, log } = this.#options;
    const request = {
      daemon: this.#daemon,
      leaseMs,
      lane,
      number: this.#numbers[lane],
      settle,
      want,
      alone,
      ...bounds(),
    };
    const ended = this.#ended.signal;
    for (let attempt = 0; !ended.aborted; attempt++) {
      const sentAt = clock.monotonic();
      try {
        const answer = attempt === 0 && behind !== null ? behind(request) : broker.exchange(queue, request);
        return { reply: await answer, sentAt };
      } catch (error) {
        if (this.#lanes[lane] === 'waiting' && !ended.aborted) this.#lanes[lane] = 'sent';
        if (attempt % TOLD_EVERY === 0)
          log.warn('broker call failed, repeating it', {
            queue,
            attempts: attempt + 1,
            error: String(error),
          });
        if (!(error instanceof BrokerError))
          log.error('broker failed in an unknown way', { queue, error: String(error) });
        await clock.sleep(callPause(error, attempt, random), ended);
      }
    }
    return null;
  }

  async #renew(daemon: string): Promise<HeartbeatReply | null> {
    const { broker, queue, leaseMs, clock } = this.#options;
    const sentAt = clock.monotonic();
    const reply = await broker.heartbeat(queue, { daemon, leaseMs }).catch(() => null);
    if (reply === null || this.#daemon !== daemon) return null;
    if (reply.status === 'lost') this.#lose();
    else this.#confirm(sentAt);
    return reply;
  }

  #done(reply: ExchangeDone, settle: readonly Settlement[], sentAt: number): Exchanged {
    const { clock, fenceAfterMs } = this.#options;
    const jobs = this.#accounts.book(settle, reply.jobs);
    const startable = clock.monotonic() - sentAt < fenceAfterMs;
    if (startable) this.#confirm(sentAt);
    return { type: 'done', reply, jobs, startable: startable && this.#state === 'open' };
  }

  #confirm(sentAt: number): void {
    this.#confirmedAt = Math.max(this.#confirmedAt, sentAt);
    if (this.#state !== 'fenced') return;
    this.#state = 'open';
    this.#options.listener.renewed();
  }

  #lose(): Exchanged {
    const { tokens } = this.#accounts;
    this.abandon();
    this.#accounts = new Accounts();
    this.#options.listener.lost(tokens);
    void this.open();
    return { type: 'over' };
  }

  /** Runs `work` while no exchange is unanswered and none is sent. One at a time; latecomers share it. */
  #rest(work: (daemon: string) => Promise<void>): Promise<void> {
    const { daemon } = this;
    this.#resting ??= (async () => {
      const quiet = () => this.#daemon !== daemon || !(this.#lanes.includes('sent') || this.waiting);
      if (this.waiting) this.#options.listener.hurried();
      await this.#changed.until(quiet);
      if (this.#daemon === daemon) await work(daemon);
      if (this.#daemon !== daemon) return;
      this.#resting = null;
      this.#options.listener.rested();
    })();
    return this.#resting;
  }

  /** Tells the broker our numbers, hears its in-flight tokens, and sorts out the difference. */
  async #agree(daemon: string): Promise<void> {
    const { broker, queue, leaseMs, clock, random, log, listener } = this.#options;
    const ended = this.#ended.signal;
    for (let attempt = 0; !ended.aborted; attempt++) {
      const sentAt = clock.monotonic();
      try {
        const reply = await broker.resync(queue, { daemon, leaseMs, numbers: this.#numbers });
        if (this.#daemon !== daemon) return;
        if (reply.status === 'lost') {
          this.#lose();
          return;
        }
        this.#confirm(sentAt);
        const { stray, vanished } = this.#accounts.adopt(reply.tokens);
        const counts = { stray: stray.length, vanished: vanished.length };
        if (stray.length + vanished.length > 0)
          log.warn('accounts differ from the broker, resynchronised', { queue, ...counts });
        if (stray.length > 0) listener.stray(stray);
        if (vanished.length > 0) listener.vanished(vanished);
        return;
      } catch (error) {
        await clock.sleep(callPause(error, attempt, random), ended);
      }
    }
  }
}
