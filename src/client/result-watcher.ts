import type { BrokerClient } from '../broker/broker.ts';
import { BATCH_BYTES_LIMIT } from '../broker/messages/batch.ts';
import type { ResultRecord } from '../broker/messages/exchange.ts';
import type { Clock, Timer } from '../lib/clock.ts';

/** Called once: with the result, or with null when the client was closed first. */
type Found = (record: ResultRecord | null) => void;

const SHORTEST_POLL_MS = 2;
const LONGEST_POLL_MS = 100;
/** With more pending results the polls take turns. */
const IDS_PER_POLL = 256;
/** What a first call may ask for: results of any size fit in, as far as one alone does. */
const FIRST_IDS_PER_CALL = 16;

/** Waits for the stored results of one queue's jobs: one poll at a time for all who wait, slower while nothing comes. */
export class ResultWatcher {
  readonly #broker: BrokerClient;
  readonly #queue: string;
  readonly #clock: Clock;
  readonly #pending = new Map<string, Set<Found>>();
  #pollMs = SHORTEST_POLL_MS;
  #idsPerCall = FIRST_IDS_PER_CALL;
  #timer: Timer | null = null;
  #polling = false;
  #closed = false;

  constructor(broker: BrokerClient, queue: string, clock: Clock) {
    this.#broker = broker;
    this.#queue = queue;
    this.#clock = clock;
  }

  /** The returned function gives up. */
  watch(id: string, found: Found): () => void {
    if (this.#closed) {
      found(null);
      return () => {};
    }
    const listeners = this.#pending.get(id) ?? new Set();
    this.#pending.set(id, listeners.add(found));
    this.#pollMs = SHORTEST_POLL_MS;
    this.#schedule();
    return () => {
      listeners.delete(found);
      if (listeners.size === 0 && this.#pending.get(id) === listeners) this.#pending.delete(id);
      if (this.#pending.size === 0) this.#cancelTimer();
    };
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    const listeners = [...this.#pending.values()].flatMap((set) => [...set]);
    this.#pending.clear();
    for (const found of listeners) found(null);
  }

  #schedule(): void {
    if (this.#closed || this.#polling || this.#timer !== null || this.#pending.size === 0) return;
    this.#timer = this.#clock.setTimer(this.#pollMs, () => {
      this.#timer = null;
      void this.#poll();
    });
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    let found = 0;
    const ids = [...this.#pending.keys()].slice(0, IDS_PER_POLL);
    while (ids.length > 0) {
      const asked = ids.splice(0, this.#idsPerCall);
      // A broker that does not answer is asked again later: each caller's own timeout ends its wait.
      const results = await this.#broker.results(this.#queue, asked).catch(() => null);
      this.#idsPerCall = nextIdsPerCall(this.#idsPerCall, results);
      found += asked.filter((id, index) => this.#deliver(id, results?.[index] ?? null)).length;
      if (results === null) break;
    }
    this.#polling = false;
    this.#pollMs = found > 0 ? SHORTEST_POLL_MS : Math.min(LONGEST_POLL_MS, this.#pollMs * 1.5);
    this.#schedule();
  }

  /** Those not found yet go to the end of the line, so that all get their turn. */
  #deliver(id: string, json: string | null): boolean {
    const listeners = this.#pending.get(id);
    if (listeners === undefined) return false;
    this.#pending.delete(id);
    if (json === null) {
      this.#pending.set(id, listeners);
      return false;
    }
    const record = JSON.parse(json) as ResultRecord;
    for (const found of listeners) found(record);
    return true;
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}

/**
 * How many results the next call asks for, after one for `ids` that was answered, or failed (null). Results of one queue
 * are alike: what the largest of the last answer tells keeps a call within BATCH_BYTES_LIMIT, also where the broker
 * bounds nothing. One that failed may have asked for too much: half of it is tried, in the end one by one.
 */
export function nextIdsPerCall(ids: number, results: readonly (string | null)[] | null): number {
  if (results === null) return Math.max(1, Math.floor(ids / 2));
  const largest = results.reduce((most, json) => Math.max(most, json?.length ?? 0), 0);
  // Nothing there says nothing about what comes.
  if (largest === 0) return Math.max(ids, Math.min(FIRST_IDS_PER_CALL, ids * 2));
  return Math.max(1, Math.min(IDS_PER_POLL, ids * 2, Math.floor(BATCH_BYTES_LIMIT / largest)));
}
