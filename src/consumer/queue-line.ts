import { BATCH_BYTES_LIMIT, BATCH_LIMIT } from '../broker/messages/batch.ts';
import type { Settlement } from '../broker/messages/exchange.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { PreparedJob, QueueSettings } from './delivery.ts';
import type { QueueSession } from './queue-session.ts';

/** A delivery that the pool has, and the daemon id under which it was claimed. */
export interface HeldDelivery {
  readonly prepared: PreparedJob;
  readonly daemon: string;
}

/** What a consumer knows of one of its queues: what waits to be settled, what the pool has, whether to ask for more. */
export class QueueLine {
  /** Replaced by a reload; holds for jobs that are claimed from then on. */
  settings: QueueSettings;
  readonly session: QueueSession;
  /** Deliveries given to the pool, by token. */
  readonly held = new Map<string, HeldDelivery>();
  /** There may be something to claim. */
  hungry = true;
  /** Counts wakes, so that an answer which is older than a wake does not put the line to sleep. */
  wakes = 0;
  /** Suspects wait for the pool to be empty. */
  suspects = false;
  /** Nothing was asked since the last poll. */
  pollDue = false;
  readonly #clock: Clock;
  #settlements: Settlement[] = [];
  #due: Timer | null = null;

  constructor(settings: QueueSettings, session: QueueSession, clock: Clock) {
    this.settings = settings;
    this.session = session;
    this.#clock = clock;
  }

  get name(): string {
    return this.settings.name;
  }

  get unsettled(): number {
    return this.#settlements.length;
  }

  /** Whether the pool runs a suspect of this queue: it is then the only delivery of all. */
  get holdsAlone(): boolean {
    for (const { prepared } of this.held.values()) return prepared.delivery.alone;
    return false;
  }

  /** Nothing to ask and nothing to tell, as far as is known. */
  get isIdle(): boolean {
    const { session, hungry, suspects } = this;
    return session.ready && session.underWay === 0 && !hungry && !suspects && this.unsettled === 0;
  }

  /** Worth an exchange that claims nothing: only the broker knows whether the suspects still wait. */
  get asksForSuspects(): boolean {
    return this.suspects && this.pollDue && this.session.underWay === 0;
  }

  settle(settlement: Settlement): void {
    this.#settlements.push(settlement);
  }

  /** Forgets what ended of these deliveries and was not sent. */
  drop(tokens: ReadonlySet<string>): void {
    this.#settlements = this.#settlements.filter(({ token }) => !tokens.has(token));
  }

  /** As many as one call carries; the last one may pass the limit of bytes. */
  takeSettlements(): Settlement[] {
    let count = 0;
    for (let bytes = 0; count < BATCH_LIMIT && bytes < BATCH_BYTES_LIMIT; count++) {
      const next = this.#settlements[count];
      if (next === undefined) break;
      bytes += weightOf(next);
    }
    return this.#settlements.splice(0, count);
  }

  wake(): void {
    this.wakes++;
    this.hungry = true;
  }

  /** Calls back when the next delayed job is due. Replaces what was set before. */
  setDue(delayMs: number | null, callback: () => void): void {
    this.#due?.cancel();
    this.#due = delayMs === null ? null : this.#clock.setTimer(Math.max(1, delayMs), callback);
  }

  /** Forgets what belonged to a lost lease. */
  forget(): void {
    this.#settlements = [];
    this.suspects = false;
  }
}

/** Bytes of what it carries for its job, which may be as large as its input. */
function weightOf(settlement: Settlement): number {
  const result = 'result' in settlement ? settlement.result?.json : undefined;
  const error = 'error' in settlement ? settlement.error : undefined;
  return bytesOf(result) + bytesOf(error);
}

const bytesOf = (text: string | undefined): number => (text === undefined ? 0 : Buffer.byteLength(text));
