import assert from 'node:assert/strict';
import { recordId, tokenId } from '../../../src/broker/job-record.ts';
import type { ExchangeReply, ExchangeRequest, Settlement } from '../../../src/broker/messages/exchange.ts';
import { type Daemon, dead, entry, LEASE_MS, retry, type World } from './world.ts';

const STEPS = 200;

export function describeHistory(world: () => Promise<World>): void {
  describe('a random history of lost requests, lost replies, late copies and dead daemons', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      it(`ends every job once and keeps each delivery with one daemon (seed ${seed})`, async () => {
        const history = new History(await world(), seed);
        for (let step = 0; step < STEPS; step++) await history.step();
        await history.heal();
        await history.drain();
      });
    }
  });
}

/** A daemon as the test knows it: what it holds, what it has asked and not been told. */
interface Peer {
  readonly daemon: Daemon;
  readonly held: Set<string>;
  readonly asked: (ExchangeRequest | undefined)[];
}

/** Steps drawn from a seed, and what must hold after each. */
class History {
  readonly #world: World;
  readonly #random: () => number;
  readonly #peers: Peer[] = [];
  /** The live daemon that holds a job. */
  readonly #owners = new Map<string, Peer>();
  readonly #enqueued = new Set<string>();
  /** Calls that come a second time, later. Nobody reads their replies. */
  readonly #copies: (() => Promise<unknown>)[] = [];

  constructor(world: World, seed: number) {
    this.#world = world;
    this.#random = generator(seed);
  }

  async step(): Promise<void> {
    if (this.#peers.length < 3) await this.#join();
    const dice = this.#random();
    if (dice < 0.12) await this.#enqueue();
    else if (dice < 0.2) await this.#late();
    else if (dice < 0.23) await this.#die();
    else if (dice < 0.28) await this.#world.advance(this.#pick([10, 1_000, 5_000]));
    else await this.#exchange(this.#pick(this.#peers), this.#pick([0, 1] as const));
  }

  /** Every call that was not answered is sent again until it is. */
  async heal(): Promise<void> {
    for (const peer of this.#peers) {
      for (const request of peer.asked) {
        if (request !== undefined) this.#answered(peer, request, await peer.daemon.send(request));
      }
    }
    while (this.#copies.length > 0) await this.#late();
    for (const peer of this.#peers) {
      const settle = [...peer.held].map((token) => ({ type: 'release', token }) as const);
      for (const { token } of settle) this.#letGo(peer, token);
      const request = peer.daemon.request({ settle });
      this.#answered(peer, request, await peer.daemon.send(request));
    }
  }

  async drain(): Promise<void> {
    const { broker, queue } = this.#world;
    const daemon = await this.#world.daemon();
    let [claimed, idle] = [0, 0];
    while (idle < 3) {
      await this.#world.advance(60_000);
      const { jobs } = await daemon.exchange({ want: 50, alone: true });
      await daemon.settle(...jobs.map(({ token }) => ({ type: 'ack', token }) as const));
      claimed += jobs.length;
      idle = jobs.length === 0 ? idle + 1 : 0;
    }
    const { ready, delayed, inFlight, counters } = await broker.stats(queue);
    assert.deepEqual([ready, delayed, inFlight], [0, 0, 0]);
    assert.equal(counters.enqueued, this.#enqueued.size);
    assert.equal(counters.completed + counters.dead, this.#enqueued.size);
    assert(claimed > 0 && counters.reclaimed > 0 && counters.retried > 0, 'the history did too little');
  }

  async #join(): Promise<void> {
    this.#peers.push({ daemon: await this.#world.daemon(), held: new Set(), asked: [undefined, undefined] });
  }

  async #enqueue(): Promise<void> {
    const { broker, queue } = this.#world;
    const size = 1 + Math.floor(this.#random() * 6);
    const jobs = Array.from({ length: size }, () =>
      entry({ priority: this.#pick([0, 5, 9]), delayMs: this.#pick([0, 0, 500]) }),
    );
    const batch = await this.#world.batch(jobs);
    const send = () => broker.enqueue(queue, batch);
    assert.equal((await send()).status, 'stored');
    for (const job of jobs) this.#enqueued.add(recordId(job.record));
    if (this.#random() < 0.3) this.#copies.push(send);
  }

  async #exchange(peer: Peer, lane: 0 | 1): Promise<void> {
    const request = peer.asked[lane] ?? this.#request(peer, lane);
    peer.asked[lane] = request;
    const fate = this.#random();
    if (fate < 0.1) return;
    if (fate < 0.3) this.#copies.push(() => peer.daemon.send(request));
    const reply = await peer.daemon.send(request);
    if (fate > 0.85) return;
    this.#answered(peer, request, reply);
  }

  #request(peer: Peer, lane: 0 | 1): ExchangeRequest {
    const settled = [...peer.held].filter(() => this.#random() < 0.5);
    const settle = settled.map((token) => this.#settlement(token));
    for (const token of settled) this.#letGo(peer, token);
    return peer.daemon.request({ lane, settle, want: Math.floor(this.#random() * 6) });
  }

  #settlement(token: string): Settlement {
    return this.#pick<Settlement>([
      { type: 'ack', token },
      { type: 'ack', token },
      { type: 'ack', token, result: { json: '{}', ttlMs: 1_000 } },
      retry(token, this.#pick([0, 700])),
      { type: 'retry', token, delayMs: 0, count: 'recovery', error: '' },
      { type: 'snooze', token, delayMs: this.#pick([0, 700]) },
      { type: 'release', token },
      dead(token),
    ]);
  }

  /** A live daemon's settlements are all accepted, and what it is given nobody else has. */
  #answered(peer: Peer, request: ExchangeRequest, reply: ExchangeReply): void {
    assert.equal(reply.status, 'done');
    assert.deepEqual([reply.refused, reply.refusedAcks, reply.dropped], [[], 0, []]);
    peer.asked[request.lane] = undefined;
    for (const { token } of reply.jobs) {
      const id = tokenId(token);
      assert(this.#enqueued.has(id));
      assert(!this.#owners.has(id), `job ${id} was given to two daemons`);
      this.#owners.set(id, peer);
      peer.held.add(token);
    }
  }

  /** From when a settlement is sent, even if it is not answered, the job may be with another. */
  #letGo(peer: Peer, token: string): void {
    peer.held.delete(token);
    this.#owners.delete(tokenId(token));
  }

  async #late(): Promise<void> {
    const [copy] = this.#copies.splice(Math.floor(this.#random() * this.#copies.length), 1);
    await copy?.();
  }

  /** A daemon is gone with all it has asked and holds; the next sweeper takes its lease. */
  async #die(): Promise<void> {
    const [peer] = this.#peers.splice(Math.floor(this.#random() * this.#peers.length), 1);
    if (peer === undefined) return;
    await this.#world.advance(LEASE_MS + 1_000);
    await this.#world.reclaim(peer.daemon);
    for (const [id, owner] of this.#owners) {
      if (owner === peer) this.#owners.delete(id);
    }
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)]!;
  }
}

/** Numbers in [0, 1) that depend on the seed alone. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
