import { BrokerError } from '../../src/broker/broker-error.ts';
import type { Dice } from './dice.ts';
import type { Machine } from './machine.ts';
import type { Call } from './sim-store.ts';
import type { Timeline } from './timeline.ts';
import { READ_MS, type Stand } from './wakes.ts';

/** How often what happens to a call, as shares of 1. */
export interface Weather {
  /** The request never arrives. */
  readonly lostRequest: number;
  readonly lostReply: number;
  /** The request arrives long after its sender has given up. */
  readonly late: number;
  /** It arrives in time, and again much later. */
  readonly twice: number;
  /** It takes a large part of the call's deadline. */
  readonly slow: number;
}

export const CALM: Weather = { lostRequest: 0, lostReply: 0, late: 0, twice: 0, slow: 0 };

/** A call that arrived. */
export interface Arrival {
  readonly from: Machine;
  readonly call: Call;
  readonly sentAt: number;
}

export interface Executed {
  readonly reply: unknown;
  readonly error: BrokerError | null;
}

export interface NetworkOptions {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly callDeadlineMs: number;
  readonly execute: (arrival: Arrival) => Promise<Executed>;
  /** Hears of what is sent; by how much it is to be held up, ms. */
  readonly onSend: (arrival: Arrival) => number;
  /** Whether what was under way is lost, because nobody could see to what it does. */
  readonly isLost: (arrival: Arrival) => boolean;
}

interface Sent {
  readonly arrival: Arrival;
  readonly answer: (executed: Executed) => void;
  readonly fail: (error: BrokerError) => void;
}

const LATEST_MS = 200_000;

/** Between the machines and the broker: loses, delays and repeats. The broker itself may stand still. */
export class Network {
  weather: Weather = CALM;
  readonly #options: NetworkOptions;
  /** Until when a machine is cut off, on the true clock. */
  readonly #cuts = new Map<Machine, number>();
  readonly #lastArrival = new Map<Machine, number>();
  #standing: (() => Promise<void>)[] | null = null;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /**
   * Ends as a call to a broker does: with the answer, or with a BrokerError; at the abort of `closing` at once. `stand`: it
   * stands behind a read, and arrives at the end of that.
   */
  call(from: Machine, call: Call, closing: AbortSignal, stand?: Stand): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { timeline, callDeadlineMs } = this.#options;
      const overdue = from.clock.setTimer(callDeadlineMs + (stand === undefined ? 0 : READ_MS), () =>
        reject(new BrokerError('unknown', `no answer to ${call.verb} in time`)),
      );
      closing.addEventListener('abort', () => {
        overdue.cancel();
        reject(new BrokerError('refused', 'the broker is closed'));
      });
      const hear = (afterMs: number, end: () => void) =>
        timeline.after(
          afterMs,
          () => {
            overdue.cancel();
            end();
          },
          from,
        );
      const sent: Sent = {
        arrival: { from, call, sentAt: timeline.now },
        answer: ({ reply, error }) =>
          hear(this.#delay(), () => (error === null ? resolve(reply) : reject(error))),
        fail: (error) => hear(this.#options.dice.between(0.2, 300), () => reject(error)),
      };
      if (stand === undefined) this.#send(sent);
      else stand(() => this.#send(sent));
    });
  }

  uncut(machine: Machine): void {
    this.#cuts.delete(machine);
  }

  cut(machine: Machine, ms: number): void {
    this.#cuts.set(machine, this.#options.timeline.now + ms);
  }

  isCut(machine: Machine): boolean {
    return (this.#cuts.get(machine) ?? 0) > this.#options.timeline.now;
  }

  /** The broker does nothing until `go`; what arrives meanwhile waits, its senders give up. */
  stand(): void {
    this.#standing ??= [];
  }

  async go(): Promise<void> {
    const waiting = this.#standing ?? [];
    this.#standing = null;
    for (const execute of waiting) await execute();
  }

  get isStanding(): boolean {
    return this.#standing !== null;
  }

  /** A copy of what arrived before. */
  repeat(arrival: Arrival, afterMs: number): void {
    this.#arrive({ arrival, answer: () => {}, fail: () => {} }, afterMs, null);
  }

  mend(): void {
    this.weather = CALM;
    this.#cuts.clear();
  }

  #send(sent: Sent): void {
    if (this.isCut(sent.arrival.from)) this.#sendCut(sent);
    else this.#sendOpen(sent);
  }

  #sendOpen(sent: Sent): void {
    const { dice } = this.#options;
    const { lostRequest, late, twice, lostReply } = weatherFor(sent.arrival.call.verb, this.weather);
    const fate = dice.random();
    const isLost = fate < lostRequest;
    const isLate = !isLost && fate < lostRequest + late;
    const isTwice = !isLost && !isLate && fate < lostRequest + late + twice;
    if (isLate) this.#arrive(sent, dice.between(1_000, dice.chance(0.5) ? 15_000 : LATEST_MS), null);
    const isHeard = !isLost && !isLate && !dice.chance(lostReply);
    const copyAfterMs = isTwice ? dice.between(1, LATEST_MS) : null;
    if (!isLost && !isLate) this.#arriveInOrder(sent, isHeard ? sent.answer : null, copyAfterMs);
    if (!isHeard) this.#lose(sent);
  }

  /** Some requests wait in a buffer until the way is free again, some find no connection, the others are gone. */
  #sendCut(sent: Sent): void {
    const { dice, timeline } = this.#options;
    const until = this.#cuts.get(sent.arrival.from) ?? 0;
    if (dice.chance(0.3)) this.#arrive(sent, until - timeline.now + dice.between(1, 1_000), null);
    else if (dice.chance(0.4)) sent.fail(new BrokerError('refused', 'not connected'));
  }

  /** The sender hears of it, or only its own clock. */
  #lose(sent: Sent): void {
    const { dice } = this.#options;
    if (dice.chance(0.5)) sent.fail(new BrokerError('unknown', 'the connection ended'));
  }

  /** What one machine sends on one connection arrives in its order. */
  #arriveInOrder(sent: Sent, answer: Sent['answer'] | null, copyAfterMs: number | null): void {
    const { timeline } = this.#options;
    const { from } = sent.arrival;
    const heldUpMs = this.#options.onSend(sent.arrival);
    const at = Math.max(timeline.now + this.#delay() + heldUpMs, this.#lastArrival.get(from) ?? 0);
    this.#lastArrival.set(from, at);
    // Nobody sends again what was refused: a copy comes of what was carried out only.
    this.#arrive(sent, at - timeline.now, (executed) => {
      if (copyAfterMs !== null && executed.error === null) this.#arrive(sent, copyAfterMs, null);
      answer?.(executed);
    });
  }

  #arrive({ arrival }: Sent, afterMs: number, answer: Sent['answer'] | null): void {
    const execute = async () => {
      if (this.#standing !== null) {
        this.#standing.push(execute);
        return;
      }
      if (this.#options.isLost(arrival)) return;
      const executed = await this.#options.execute(arrival);
      if (!this.isCut(arrival.from)) answer?.(executed);
    };
    this.#options.timeline.after(afterMs, execute);
  }

  #delay(): number {
    const { dice, callDeadlineMs } = this.#options;
    return dice.chance(this.weather.slow) ? dice.between(5, callDeadlineMs) : dice.between(0.1, 5);
  }
}

/** Calls that are rare meet more faults, so that these meet them at all. */
const RARE: ReadonlySet<string> = new Set([
  ...['open', 'resync', 'reclaim', 'closeSession', 'setPaused', 'fire'],
  ...['retry', 'delete', 'purge'],
]);

function weatherFor(verb: string, { lostRequest, lostReply, late, twice, slow }: Weather): Weather {
  const share = (of: number) => (RARE.has(verb) ? Math.min(0.3, 4 * of) : of);
  return {
    lostRequest: share(lostRequest),
    lostReply: share(lostReply),
    late: share(late),
    twice: share(twice),
    slow,
  };
}
