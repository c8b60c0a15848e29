import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { StoreRequest, Verb } from '../../../src/broker/embedded/messages.ts';
import { Store } from '../../../src/broker/embedded/store.ts';
import { Queue } from '../../../src/broker/engine/queue.ts';
import { decodeJob, encodeJob, recordId } from '../../../src/broker/job-record.ts';
import { MemoryShelf } from '../../../src/broker/memory/memory-shelf.ts';
import type { ExchangeReply, Settlement } from '../../../src/broker/messages/exchange.ts';
import type { JobState, QueueStats, StoredJob } from '../../../src/broker/messages/operator.ts';
import type { WatermarkReply } from '../../../src/broker/messages/schedule.ts';

type Step =
  | {
      type: 'enqueue';
      jobs: { priority: number; delay: number; unique: number; expires: number; keep: boolean }[];
    }
  | { type: 'exchange'; lane: 0 | 1; want: number; alone: boolean; endings: number[]; again: boolean }
  | { type: 'fire'; unique: boolean; behind: boolean }
  | { type: 'sweep' }
  | { type: 'pause'; paused: boolean; ahead: number }
  | { type: 'operate'; verb: 'retry' | 'delete'; job: number; late: boolean }
  | { type: 'purge'; state: 'ready' | 'delayed' | 'dead'; limit: number }
  | { type: 'reclaim' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('enqueue' as const),
      jobs: fc.array(
        fc.record({
          priority: fc.nat(9),
          delay: fc.constantFrom(0, 0, 0, 1, 5),
          unique: fc.nat(12),
          expires: fc.constantFrom(0, 0, 0, 3),
          keep: fc.boolean(),
        }),
        { minLength: 1, maxLength: 12 },
      ),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('exchange' as const),
      lane: fc.constantFrom(0 as const, 1 as const),
      want: fc.nat(8),
      alone: fc.boolean(),
      endings: fc.array(fc.nat(8), { maxLength: 10 }),
      again: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('fire' as const),
      unique: fc.boolean(),
      behind: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'sweep' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reclaim' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('operate' as const),
      verb: fc.constantFrom('retry' as const, 'delete' as const),
      job: fc.nat(40),
      late: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('purge' as const),
      state: fc.constantFrom('ready' as const, 'delayed' as const, 'dead' as const),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('pause' as const), paused: fc.boolean(), ahead: fc.nat(2) }),
  },
);

/** One script of steps, played on a queue in memory and on one in a file: every answer must be the same. */
class Play {
  readonly #memory = new Queue('q', new MemoryShelf(), () => {});
  readonly #store: Store;
  readonly #held = new Set<string>();
  #numbers: [number, number] = [0, 0];
  #daemon = 'daemon 0';
  #daemons = 0;
  #jobs = 0;
  #purges = 0;
  #now = 1_800_000_000_000;

  constructor(store: Store) {
    this.#store = store;
    this.#ask('open', { daemon: this.#daemon, leaseMs: 30_000 });
  }

  play(next: Step): void {
    this.#now += 1_000;
    if (next.type === 'enqueue') this.#enqueue(next);
    else if (next.type === 'exchange') this.#exchange(next);
    else if (next.type === 'fire') this.#fire(next);
    else if (next.type === 'sweep') this.#ask('sweep', { leaseMs: 30_000 });
    else if (next.type === 'pause') this.#pause(next);
    else if (next.type === 'operate') this.#operate(next);
    else if (next.type === 'purge') this.#purge(next);
    else this.#reclaim();
    this.#compareWhole();
  }

  #enqueue({ jobs }: Extract<Step, { type: 'enqueue' }>): void {
    const made = jobs.map(({ priority, delay, unique, expires, keep }) => {
      const id = idOf(++this.#jobs);
      const record = encodeJob({
        ...{ id, task: 'a', priority, keepResult: keep, options: {}, input: `{"n":${this.#jobs}}` },
        unique: unique < 4 ? `key ${unique}` : null,
        expiresAt: expires === 0 ? 0 : this.#now + expires * 1_000,
      });
      return { record, delayMs: delay === 0 ? 0 : delay * 1_000 + (this.#jobs % 997) };
    });
    this.#ask('enqueue', { id: `batch ${this.#jobs}`, notAfterAt: this.#now + 35_000, jobs: made });
  }

  #fire({ unique, behind }: Extract<Step, { type: 'fire' }>): void {
    const { watermark } = this.#ask('watermark', { schedule: 's' }) as WatermarkReply;
    this.#now += 1_000;
    const record = encodeJob({
      ...{ id: idOf(++this.#jobs), task: 'a', priority: 3 },
      ...{ keepResult: false, options: {}, input: 'null', expiresAt: 0, unique: unique ? 'key 1' : null },
    });
    const previous = behind ? watermark.tick - 1 : watermark.tick;
    this.#ask('fire', { schedule: 's', previous, tick: this.#now - 500, record });
  }

  #pause({ paused, ahead }: Extract<Step, { type: 'pause' }>): void {
    const { pause } = this.#ask('stats', null) as QueueStats;
    this.#ask('setPaused', { paused, version: pause.version + ahead });
  }

  /** As it is, or as it was a claim ago; twice. */
  #operate({ verb, job, late }: Extract<Step, { type: 'operate' }>): void {
    const id = idOf(job);
    const found = this.#ask('find', id) as StoredJob | null;
    const claims = found === null ? 0 : decodeJob(found.record).claims - (late ? 1 : 0);
    const request = { id, claims, resultTtlMs: 5_000 };
    this.#ask(verb, request);
    this.#ask(verb, request);
  }

  #purge({ state, limit }: Extract<Step, { type: 'purge' }>): void {
    const request = { id: `purge ${++this.#purges}`, notAfterAt: this.#now + 5_000, state, limit };
    const first = this.#ask('purge', { ...request, resultTtlMs: 5_000 });
    assert.deepEqual(this.#ask('purge', { ...request, resultTtlMs: 5_000 }), first);
  }

  #exchange({ lane, want, alone, endings, again }: Extract<Step, { type: 'exchange' }>): void {
    const tokens = [...this.#held].slice(0, endings.length);
    const settle = tokens.map((token, index): Settlement => ending(token, endings[index] ?? 0, index));
    const request = {
      ...{ daemon: this.#daemon, leaseMs: 30_000, lane, number: ++this.#numbers[lane], settle, want, alone },
      ...{ droppedResultTtlMs: 60_000, keepDead: { count: 1_000, ageMs: 20_000 } },
    };
    const reply = this.#ask('exchange', request) as Extract<ExchangeReply, { status: 'done' }>;
    assert.equal(reply.status, 'done');
    for (const token of tokens) this.#held.delete(token);
    for (const { token } of reply.jobs) this.#held.add(token);
    if (again) assert.deepEqual(this.#ask('exchange', request), reply);
  }

  #reclaim(): void {
    this.#now += 31_000;
    const { leases } = this.#ask('sweep', { leaseMs: 30_000 }) as {
      leases: { daemon: string; deadlineAt: number }[];
    };
    for (const lease of leases) this.#ask('reclaim', { ...lease, proven: false });
    this.#held.clear();
    this.#numbers = [0, 0];
    this.#daemon = `daemon ${++this.#daemons}`;
    this.#ask('open', { daemon: this.#daemon, leaseMs: 30_000 });
  }

  #compareWhole(): void {
    this.#ask('stats', null);
    for (const state of ['ready', 'delayed'] as const) this.#ask('list', { state, limit: 1_000 });
    for (const state of ['in_flight', 'dead'] as const) {
      const [file, memory] = this.#both('list', { state, limit: 1_000 }) as [StoredJob[], StoredJob[]];
      assert.deepEqual(sorted(file), sorted(memory), `list ${state satisfies JobState}`);
    }
    this.#ask(
      'results',
      Array.from({ length: this.#jobs }, (_, n) => idOf(n + 1)),
    );
  }

  /** The answer of both. */
  #ask(verb: Verb, argument: unknown): unknown {
    const [file, memory] = this.#both(verb, argument);
    assert.deepEqual(file, memory, verb);
    return file;
  }

  #both(verb: Verb, argument: unknown): [unknown, unknown] {
    const request = { id: 1, now: this.#now, queue: 'q', verb, argument } as StoreRequest;
    const [reply] = this.#store.apply([request]).replies;
    assert(reply && 'value' in reply, JSON.stringify(reply));
    return [reply.value, this.#inMemory(request)];
  }

  #inMemory({ verb, argument }: StoreRequest): unknown {
    const [queue, now] = [this.#memory, this.#now];
    if (verb === 'enqueue') return queue.enqueue(now, now, argument);
    if (verb === 'list') return queue.inspector.list(argument);
    if (verb === 'find') return queue.inspector.find(argument);
    if (verb === 'stats') return queue.inspector.stats(now);
    if (verb === 'results') return queue.inspector.results(now, argument);
    if (verb === 'watermark') return queue.schedules.watermark(now, argument);
    if (verb === 'fire') return queue.schedules.fire(now, argument);
    if (verb === 'retry') return queue.operator.retry(now, argument);
    if (verb === 'delete') return queue.operator.delete(now, argument);
    if (verb === 'purge') return queue.operator.purge(now, now, argument);
    if (verb === 'closeSession') return queue.closeSession(now, argument) ?? null;
    return (queue[verb] as (now: number, argument: unknown) => unknown).call(queue, now, argument);
  }
}

const idOf = (job: number): string => `01a206a1-4a68-7679-bfcb-${String(job).padStart(12, '0')}`;

function ending(token: string, kind: number, index: number): Settlement {
  const error = `{"name":"E","message":"${kind}"}`;
  const delayMs = kind % 2 === 0 ? 0 : 1_000 + index;
  const result = { json: `{"status":"completed","result":${kind}}`, ttlMs: 5_000 };
  if (kind < 2) return { type: 'ack', token };
  if (kind === 2) return { type: 'ack', token, result };
  if (kind === 3) return { type: 'release', token };
  if (kind === 4) return { type: 'snooze', token, delayMs };
  if (kind === 5) return { type: 'dead', token, count: 'failure', error, result };
  const count = kind === 6 ? 'failure' : kind === 7 ? 'recovery' : 'crash';
  return { type: 'retry', token, delayMs, count, error };
}

const sorted = (jobs: StoredJob[]) =>
  jobs.toSorted((a, b) => (recordId(a.record) < recordId(b.record) ? -1 : 1));

describe('the shelf of rows and the shelf in memory', () => {
  it('answer the same to any sequence of verbs', async function () {
    this.timeout(120_000);
    const directory = await mkdtemp(join(tmpdir(), 'forkloop-shelves-'));
    let runs = 0;
    try {
      fc.assert(
        fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
          const store = new Store(join(directory, `${++runs}.db`), 1_800_000_000_000);
          const play = new Play(store);
          for (const next of steps) play.play(next);
          store.close();
          for (const file of readdirSync(directory)) rmSync(join(directory, file));
        }),
        { numRuns: 30 },
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
