import assert from 'node:assert/strict';
import type { Broker } from '../../../src/broker/broker.ts';
import { encodeJob, type NewJob, recordId } from '../../../src/broker/job-record.ts';
import type {
  ClaimedJob,
  ExchangeDone,
  ExchangeReply,
  ExchangeRequest,
  Settlement,
} from '../../../src/broker/messages/exchange.ts';
import type { LeaseView } from '../../../src/broker/messages/lease.ts';
import type { EpochMs } from '../../../src/lib/clock.ts';
import { newId } from '../../../src/lib/ids.ts';

export const LEASE_MS = 30_000;
export const KEEP_DEAD = { count: 1_000, ageMs: 7 * 86_400_000 };
export const ERROR = '{"name":"Error","message":"it failed"}';

/** A started broker on an empty store. `advance` moves the broker's clock; `dispose` closes and removes everything. */
export interface BrokerFixture {
  readonly broker: Broker;
  advance(ms: number): Promise<void>;
  dispose(): Promise<void>;
}

export type Draft = Partial<NewJob> & { readonly delayMs?: number };

/** What one test works with: one queue of one broker. */
export class World {
  readonly queue = 'orders';
  readonly broker: Broker;
  readonly fixture: BrokerFixture;

  constructor(fixture: BrokerFixture) {
    this.fixture = fixture;
    this.broker = fixture.broker;
  }

  advance(ms: number): Promise<void> {
    return this.fixture.advance(ms);
  }

  /** The broker's clock, as a batch that comes too late is told it. */
  async now(): Promise<EpochMs> {
    const reply = await this.broker.enqueue(this.queue, { id: newId(), notAfterAt: 1, jobs: [entry({})] });
    assert.equal(reply.status, 'late');
    return reply.now;
  }

  /** Stores the jobs as one batch; their ids. */
  async enqueue(...drafts: readonly Draft[]): Promise<string[]> {
    const jobs = drafts.map(entry);
    const reply = await this.broker.enqueue(this.queue, await this.batch(jobs));
    assert.equal(reply.status, 'stored');
    return jobs.map((job) => recordId(job.record));
  }

  /** Stores `count` jobs in as many batches as it takes; their ids. */
  async fill(count: number, draft: Draft = {}): Promise<string[]> {
    const ids: string[] = [];
    while (ids.length < count) {
      ids.push(...(await this.enqueue(...Array(Math.min(256, count - ids.length)).fill(draft))));
    }
    return ids;
  }

  async batch(jobs: readonly { record: string; delayMs: number }[]) {
    return { id: newId(), notAfterAt: (await this.now()) + 35_000, jobs };
  }

  /** A daemon with an open session. */
  async daemon(): Promise<Daemon> {
    const daemon = new Daemon(this);
    assert.equal(await daemon.open(), 'opened');
    return daemon;
  }

  async lease(daemon: Daemon): Promise<LeaseView | undefined> {
    const { leases } = await this.broker.sweep(this.queue, { leaseMs: LEASE_MS });
    return leases.find((lease) => lease.daemon === daemon.id);
  }

  /** Lets the lease of a daemon pass and gives its jobs back; how many. */
  async reclaim(daemon: Daemon): Promise<number> {
    await this.advance(LEASE_MS + 1_000);
    const lease = await this.lease(daemon);
    assert(lease);
    for (;;) {
      const reply = await this.broker.reclaim(this.queue, { ...lease, proven: false });
      assert.equal(reply.status, 'reclaimed');
      if (!reply.more) return reply.moved;
    }
  }
}

/** A daemon's side of one queue: counts the numbers of its lanes. */
export class Daemon {
  readonly id = newId();
  readonly numbers: [number, number] = [0, 0];
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  open(): Promise<'opened' | 'refused'> {
    return this.#world.broker.open(this.#world.queue, { daemon: this.id, leaseMs: LEASE_MS });
  }

  heartbeat() {
    return this.#world.broker.heartbeat(this.#world.queue, { daemon: this.id, leaseMs: LEASE_MS });
  }

  resync(numbers: readonly [number, number]) {
    return this.#world.broker.resync(this.#world.queue, { daemon: this.id, leaseMs: LEASE_MS, numbers });
  }

  /** The next request of a lane, not sent. */
  request(part: Partial<ExchangeRequest> = {}): ExchangeRequest {
    const lane = part.lane ?? 0;
    return {
      daemon: this.id,
      leaseMs: LEASE_MS,
      lane,
      number: ++this.numbers[lane],
      settle: [],
      want: 0,
      alone: false,
      droppedResultTtlMs: 60_000,
      keepDead: KEEP_DEAD,
      ...part,
    };
  }

  send(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#world.broker.exchange(this.#world.queue, request);
  }

  /** The next exchange of a lane, which must be accepted. */
  async exchange(part: Partial<ExchangeRequest> = {}): Promise<ExchangeDone> {
    const reply = await this.send(this.request(part));
    assert.equal(reply.status, 'done');
    return reply;
  }

  async claim(want: number, part: Partial<ExchangeRequest> = {}): Promise<readonly ClaimedJob[]> {
    return (await this.exchange({ want, ...part })).jobs;
  }

  /** Claims the one job that must be there. */
  async claimOne(part: Partial<ExchangeRequest> = {}): Promise<ClaimedJob> {
    const [job, ...others] = await this.claim(1, part);
    assert(job, 'no job was claimed');
    assert.deepEqual(others, []);
    return job;
  }

  /** Settlements that must all be accepted. */
  async settle(...settle: readonly Settlement[]): Promise<void> {
    const reply = await this.exchange({ settle });
    assert.deepEqual([reply.refused, reply.refusedAcks], [[], 0]);
  }
}

/** One job of a batch. */
export function entry({ delayMs = 0, ...draft }: Draft): { record: string; delayMs: number } {
  const record = encodeJob({
    id: newId(),
    task: 'order.ship',
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
    input: '{"order":1}',
    ...draft,
  });
  return { record, delayMs };
}

export const idsOf = (jobs: readonly { record: string }[]): string[] =>
  jobs.map((job) => recordId(job.record));

export const retry = (token: string, delayMs = 0): Settlement => ({
  type: 'retry',
  token,
  delayMs,
  count: 'failure',
  error: ERROR,
});

export const dead = (token: string): Settlement => ({ type: 'dead', token, count: 'failure', error: ERROR });
