import type { Delivery } from '../../src/pool/pool.ts';
import type { Machine } from './machine.ts';
import { type QueueTruth, Violation } from './truth.ts';

/** What a producer was told of one job. */
export type Told = 'pending' | 'stored' | 'not_stored' | 'unknown';

interface Run {
  readonly id: string;
  readonly token: string;
  readonly machine: Machine;
  readonly startedAt: number;
}

/** What may excuse an overlap. Times are true ones. */
export interface Excuses {
  /** The last time at which the store lost what it had acknowledged, or was started anew. */
  readonly storeSetBackAt: number;
  /** The last time at which the broker's clock jumped ahead. */
  readonly clockAheadAt: number;
}

/** A daemon that was stopped sees by then that its last renewal is too old. */
const NOTICE_MS = 1_100;

/** Who was told what, and what runs where: the world outside the broker. */
export class Ledger {
  readonly #jobs = new Map<string, { queue: string; told: Told }>();
  readonly #running = new Map<string, Run[]>();
  /** Every token that was ever started. */
  readonly #started = new Map<string, number>();
  /** Tokens whose lease was taken. */
  readonly #taken = new Set<string>();
  /** Jobs that a rollback took with it. */
  readonly #lost = new Set<string>();
  overlaps = 0;

  tell(id: string, queue: string, told: Told): void {
    this.#jobs.set(id, { queue, told });
  }

  take(tokens: readonly string[]): void {
    for (const token of tokens) this.#taken.add(token);
  }

  lose(before: QueueTruth, after: QueueTruth): void {
    for (const id of before.jobs.keys()) if (!after.jobs.has(id)) this.#lost.add(id);
  }

  get runs(): number {
    return [...this.#running.values()].reduce((sum, runs) => sum + runs.length, 0);
  }

  /** @throws Violation: the run of a delivery begins that must not. */
  start(
    delivery: Delivery,
    machine: Machine,
    now: number,
    truth: QueueTruth,
    excuses: Excuses,
    leaseMs: number,
  ): void {
    const { id, token } = delivery;
    const before = this.#started.get(token);
    // A claim that the store has forgotten may still be on its way to the daemon.
    if (before !== undefined && before > excuses.storeSetBackAt + leaseMs)
      throw new Violation('I5', `${token} was started twice`);
    this.#started.set(token, now);
    const place = truth.jobs.get(id)?.place;
    const held = place?.at === 'in_flight' && place.token === token;
    const calmSince = Math.max(excuses.storeSetBackAt, excuses.clockAheadAt);
    if (!held && now - calmSince > 2 * leaseMs)
      throw new Violation(
        'I5',
        `${token} is started on ${machine.name}, but it is ${place?.at ?? 'nowhere'}`,
      );
    const others = this.#running.get(id) ?? [];
    for (const other of others) this.#overlap(other, machine, now, excuses, leaseMs);
    this.#running.set(id, [...others, { id, token, machine, startedAt: now }]);
  }

  end(token: string, machine: Machine): void {
    const id = token.slice(0, 36);
    const left = (this.#running.get(id) ?? []).filter(
      (run) => run.token !== token || run.machine !== machine,
    );
    if (left.length === 0) this.#running.delete(id);
    else this.#running.set(id, left);
  }

  /** Two runs of one job at once: only after its lease was taken, and then only because the owner could not know. */
  #overlap(other: Run, machine: Machine, now: number, excuses: Excuses, leaseMs: number): void {
    this.overlaps += 1;
    const what = `job ${other.id} runs on ${machine.name} while ${other.token} runs on ${other.machine.name}`;
    if (excuses.storeSetBackAt + leaseMs >= other.startedAt) return;
    if (!this.#taken.has(other.token)) throw new Violation('I3', `${what}, whose lease was not taken`);
    const stopped = other.machine.state === 'stopped' || now - other.machine.lastStoppedAt < NOTICE_MS;
    if (!stopped && now - excuses.clockAheadAt > 2 * leaseMs)
      throw new Violation('I3', `${what}, which should have fenced itself`);
  }

  /** @throws Violation: a job that was acknowledged has not ended, or one was stored that was not. */
  audit(truths: ReadonlyMap<string, QueueTruth>): void {
    for (const [id, { queue, told }] of this.#jobs) {
      const job = truths.get(queue)?.jobs.get(id);
      const place = job?.place.at;
      if (told === 'not_stored' && job !== undefined)
        throw new Violation('I1', `the producer was told that ${id} is not stored, and it is ${place}`);
      if (told === 'stored' && job === undefined && !this.#lost.has(id))
        throw new Violation('I1', `the producer was told that ${id} is stored, and it never was`);
      if (job !== undefined && place !== 'ended' && place !== 'dead')
        throw new Violation('I1', `${id} is ${place} after everything has settled`);
    }
  }
}
