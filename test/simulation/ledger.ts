import type { Delivery } from '../../src/pool/pool.ts';
import type { Machine } from './machine.ts';
import { claimsOf, type QueueTruth, type TrueJob, Violation } from './truth.ts';
import { NOTICE_MS } from './watch.ts';

/** What a producer was told of one job. `held`: not stored, for another job has its unique key. */
export type Told = 'pending' | 'stored' | 'held' | 'not_stored' | 'unknown';

/** An attempt that runs. */
export interface Run {
  readonly id: string;
  readonly token: string;
  readonly machine: Machine;
  /** Under which id its daemon was known when it began. */
  readonly session: string;
}

/** What may excuse an overlap. Times are true ones. */
export interface Excuses {
  /** The last time at which the broker's clock jumped ahead. */
  readonly clockAheadAt: number;
  readonly leaseMs: number;
  /** So long after its last renewal a daemon starts nothing. */
  readonly fenceAfterMs: number;
}

/** Who was told what, and what runs where: the world outside the broker. */
export class Ledger {
  readonly #jobs = new Map<string, { queue: string; told: Told }>();
  readonly #running = new Map<string, Run[]>();
  /** Every token that was ever started. */
  readonly #started = new Set<string>();
  /** Tokens whose lease was taken. */
  readonly #taken = new Set<string>();
  /** Jobs that a rollback took with it. */
  readonly #lost = new Set<string>();
  /** Tokens of which the store knows nothing any more: a daemon may have them, the store may give them out again. */
  readonly #forgotten = new Set<string>();
  /** Tokens whose code outlives their delivery: what follows must not wait for it. */
  readonly #outlived = new Set<string>();
  /** By session: the true time at which its last renewal was carried out, also one that the store has forgotten. */
  readonly #renewedAt = new Map<string, number>();
  overlaps = 0;

  tell(id: string, queue: string, told: Told): void {
    this.#jobs.set(id, { queue, told });
  }

  take(tokens: readonly string[]): void {
    for (const token of tokens) this.#taken.add(token);
  }

  /** The store went back from one state to another. */
  lose(before: QueueTruth, after: QueueTruth): void {
    // The holder may be gone with the answer: then a copy of the batch stores what the first one did not.
    for (const [id, { queue, told }] of this.#jobs) if (told === 'held') this.tell(id, queue, 'unknown');
    for (const [id, job] of before.jobs) {
      const now = after.jobs.get(id);
      if (now === undefined) this.#lost.add(id);
      const claims = now === undefined ? 0 : claimsSoFar(now);
      for (let gone = claims + 1; gone <= claimsSoFar(job); gone++) this.#forgotten.add(`${id}:${gone}`);
    }
  }

  /** The store was started anew: nobody holds anything. */
  forget(truth: QueueTruth): void {
    for (const { place } of truth.jobs.values())
      if (place.at === 'in_flight') this.#forgotten.add(place.token);
  }

  outlive(token: string): void {
    this.#outlived.add(token);
  }

  renew(session: string, at: number): void {
    this.#renewedAt.set(session, Math.max(at, this.renewedAt(session)));
  }

  renewedAt(session: string): number {
    return this.#renewedAt.get(session) ?? Number.NEGATIVE_INFINITY;
  }

  running(): readonly Run[] {
    return [...this.#running.values()].flat();
  }

  get runs(): number {
    return [...this.#running.values()].reduce((sum, runs) => sum + runs.length, 0);
  }

  /** @throws Violation: the run of a delivery begins that must not. */
  start(
    { id, token }: Delivery,
    machine: Machine,
    session: string,
    now: number,
    truth: QueueTruth,
    excuses: Excuses,
  ): void {
    const { leaseMs, fenceAfterMs } = excuses;
    const isForgotten = this.#forgotten.has(token);
    if (this.#started.has(token) && !isForgotten) throw new Violation('I5', `${token} was started twice`);
    this.#started.add(token);
    const place = truth.jobs.get(id)?.place;
    const held = place?.at === 'in_flight' && place.token === token;
    const robbed = this.#taken.has(token) && now - excuses.clockAheadAt <= 2 * leaseMs;
    if (!held && !isForgotten && !robbed)
      throw new Violation(
        'I5',
        `${token} is started on ${machine.name}, but it is ${place?.at ?? 'nowhere'}`,
      );
    const age = now - this.renewedAt(session);
    if (age >= fenceAfterMs)
      throw new Violation('I3', `${token} is started ${age.toFixed(0)} ms after the last renewal`);
    const others = this.#running.get(id) ?? [];
    if (others.some((other) => other.token === token && other.machine === machine))
      throw new Violation('I5', `${token} is started on ${machine.name} beside its first run`);
    // An answer of before the store forgot may come after: then the other run is the one that the store knows of.
    if (isForgotten) this.overlaps += others.length;
    else for (const other of others) this.#overlap(other, machine, now, excuses);
    this.#running.set(id, [...others, { id, token, machine, session }]);
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
  #overlap(other: Run, machine: Machine, now: number, { clockAheadAt, leaseMs }: Excuses): void {
    this.overlaps += 1;
    const what = `job ${other.id} runs on ${machine.name} while ${other.token} runs on ${other.machine.name}`;
    if (this.#forgotten.has(other.token) || this.#outlived.has(other.token)) return;
    if (!this.#taken.has(other.token)) throw new Violation('I3', `${what}, whose lease was not taken`);
    const stopped = other.machine.state === 'stopped' || now - other.machine.lastStoppedAt < NOTICE_MS;
    if (!stopped && now - clockAheadAt > 2 * leaseMs)
      throw new Violation('I3', `${what}, which should have fenced itself`);
  }

  /** @throws Violation: a job that was acknowledged has not ended, or one was stored that was not. */
  audit(truths: ReadonlyMap<string, QueueTruth>): void {
    for (const [id, { queue, told }] of this.#jobs) {
      const job = truths.get(queue)?.jobs.get(id);
      const place = job?.place.at;
      if ((told === 'not_stored' || told === 'held') && job !== undefined)
        throw new Violation('I1', `the producer was told that ${id} is not stored, and it is ${place}`);
      if (told === 'stored' && job === undefined && !this.#lost.has(id))
        throw new Violation('I1', `the producer was told that ${id} is stored, and it never was`);
      if (job !== undefined && place !== 'ended' && place !== 'dead')
        throw new Violation('I1', `${id} is ${place} after everything has settled`);
    }
  }
}

const claimsSoFar = ({ place, claims }: TrueJob): number =>
  place.at === 'in_flight' ? claimsOf(place.token) : claims;
