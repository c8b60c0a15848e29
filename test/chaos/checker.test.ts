/** The checker must accept a good history and refuse each of these bad ones, for the right reason. */

import assert from 'node:assert/strict';
import { encodeJob } from '../../src/broker/job-record.ts';
import type { Call, EnqueuedJob } from './calls.ts';
import { check } from './checker.ts';
import type { DumpEvent, Event, Recorded } from './history.ts';
import { INVARIANTS, type Invariant } from './violations.ts';

const LEASE_MS = 6_000;
const [JOB, OTHER] = ['0198a3b2-0000-7000-8000-000000000001', '0198a3b2-0000-7000-8000-000000000002'];
const [A, B] = ['daemon-a', 'daemon-b'];
const WORKER = 501;

/** A history in the making: each event a millisecond after the one before. */
class Story {
  readonly events: Recorded[] = [];
  #t = 100_000;

  add(event: Event, pid = 1): this {
    this.events.push({ t: this.#t++, pid, seq: this.events.length, ...event } as Recorded);
    return this;
  }

  later(ms: number): this {
    this.#t += ms;
    return this;
  }

  call(call: Call): this {
    return this.add({ kind: 'call', door: 'daemon0', sent: this.#t - 0.5, call });
  }

  enqueue(id = JOB, more: Partial<EnqueuedJob> = {}, batch = `batch-of-${id}`): this {
    const job = { id, unique: null, tag: `tag-${id}`, keepResult: false, ...more };
    return this.call({
      verb: 'enqueue',
      queue: 'io',
      batch,
      jobs: [job],
      reply: { status: 'stored', existing: [null] },
    });
  }

  /** Carried out, perhaps: the connection ended. */
  enqueueUnanswered(id = JOB): this {
    const job = { id, unique: null, tag: `tag-${id}`, keepResult: false };
    return this.call({ verb: 'enqueue', queue: 'io', batch: `batch-of-${id}`, jobs: [job] });
  }

  exchangeUnanswered(number: number): this {
    const what = { queue: 'io', daemon: A, lane: 0, number, acks: [], others: [] } as const;
    return this.call({ verb: 'exchange', ...what });
  }

  ask(id = JOB): this {
    return this.add({ kind: 'ask', tag: `tag-${id}`, task: 'quick', queue: 'io', sum: 'sum' });
  }

  told(end: 'stored' | 'refused' | 'unknown', id = JOB): this {
    return this.add({ kind: 'told', tag: `tag-${id}`, end, id });
  }

  open(daemon = A): this {
    return this.call({ verb: 'open', queue: 'io', daemon, reply: 'opened' });
  }

  exchange(
    number: number,
    {
      daemon = A,
      claimed = [],
      acks = [],
      others = [],
      refusedAcks = 0,
      refused = [],
    }: Partial<Exchange> = {},
  ): this {
    const reply = { status: 'done', claimed, refused, refusedAcks, dropped: [] } as const;
    return this.call({ verb: 'exchange', queue: 'io', daemon, lane: 0, number, acks, others, reply });
  }

  heartbeat(reply: { status: 'renewed'; inFlight: number } | { status: 'lost' }, daemon = A): this {
    return this.call({ verb: 'heartbeat', queue: 'io', daemon, reply });
  }

  reclaim(daemon = A): this {
    return this.call({
      verb: 'reclaim',
      queue: 'io',
      daemon,
      proven: false,
      reply: { status: 'reclaimed', more: false },
    });
  }

  fire(previous: number, tick: number, id = JOB, answered = true): this {
    const job = { id, unique: null, tag: null, keepResult: false };
    return this.call({
      verb: 'fire',
      queue: 'io',
      schedule: 's',
      previous,
      tick,
      job,
      ...(answered ? { reply: { tick, holder: null } } : {}),
    });
  }

  start(claim = 1, id = JOB, pid = WORKER, sum = 'sum'): this {
    return this.add({ kind: 'start', id, token: `${id}:${claim}`, task: 'quick', sum }, pid);
  }

  end(claim = 1, id = JOB, pid = WORKER): this {
    return this.add({ kind: 'end', id, token: `${id}:${claim}` }, pid);
  }

  /** Handed out, run and acknowledged. */
  through(from = 1, id = JOB): this {
    const token = `${id}:1`;
    return this.exchange(from, { claimed: [token] })
      .start(1, id)
      .end(1, id)
      .exchange(from + 1, { acks: [token] });
  }

  dump(more: Partial<DumpEvent> = {}): this {
    return this.add({
      kind: 'dump',
      queue: 'io',
      waiting: [],
      inFlight: [],
      leases: [],
      dead: [],
      unique: {},
      counters: { enqueued: 1, completed: 1 },
      results: {},
      strayKeys: [],
      ...more,
    });
  }

  broken(mayDie: Readonly<Record<string, number | null>> = {}): Set<Invariant> {
    return new Set(
      check(this.events, { leaseMs: LEASE_MS, mayDie }).violations.map(({ invariant }) => invariant),
    );
  }
}

interface Exchange {
  readonly daemon: string;
  readonly claimed: readonly string[];
  readonly acks: readonly string[];
  readonly others: readonly { type: string; token: string; count: string }[];
  readonly refused: readonly string[];
  readonly refusedAcks: number;
}

const story = () => new Story();
const asked = () => story().ask().enqueue().told('stored').open();
const recordOf = (id: string, crashes = 0) => {
  const job = {
    id,
    task: 'quick',
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
    input: '{"tag":"x"}',
  };
  const record = encodeJob(job);
  return `${record.slice(0, 47)}${String(crashes).padStart(2, '0')}${record.slice(49)}`;
};

const STOPS_REDIS = {
  kind: 'fault',
  rule: { on: 'ask', nth: 1, do: 'stop_redis', ms: 8_000 },
  action: { do: 'stop_redis', ms: 8_000 },
  door: '',
} as const;

const GOOD: Readonly<Record<string, Story>> = {
  'a job that runs once': asked().through().dump(),
  'a request sent twice': asked()
    .enqueue()
    .exchange(1, { claimed: [`${JOB}:1`] })
    .exchange(1, { claimed: [`${JOB}:1`] })
    .start()
    .end()
    .exchange(2, { acks: [`${JOB}:1`] })
    .exchange(2)
    .dump(),
  'a job that runs again after its daemon was cut off': asked()
    .exchange(1, { claimed: [`${JOB}:1`] })
    .start()
    .add({
      kind: 'fault',
      rule: { on: 'exchange', nth: 1, do: 'blackhole', ms: 9_000 },
      action: { do: 'blackhole', ms: 9_000 },
      door: 'daemon0',
    })
    .later(7_000)
    .reclaim()
    .open(B)
    .exchange(1, { daemon: B, claimed: [`${JOB}:2`] })
    .start(2, JOB, 601)
    .heartbeat({ status: 'lost' })
    .end(2, JOB, 601)
    .exchange(2, { daemon: B, acks: [`${JOB}:2`] })
    .dump(),
  'an unknown enqueue that was not stored': story().ask().told('unknown').dump({ counters: {} }),
  'a batch whose answer was lost, and whose job has run when it is repeated': story()
    .ask()
    .enqueueUnanswered()
    .open()
    .through()
    .enqueue()
    .told('stored')
    .dump(),
  'an exchange that is repeated without an answer, and again': asked()
    .exchange(1, { claimed: [`${JOB}:1`] })
    .exchangeUnanswered(1)
    .exchange(1, { claimed: [`${JOB}:1`] })
    .start()
    .end()
    .exchange(2, { acks: [`${JOB}:1`] })
    .dump(),
  'what Redis lost': asked().add({ kind: 'rollback', to: 'nothing' }).dump({ counters: {} }),
  'a delivery that Redis hands out anew after a rollback, while the first one is being ended': asked()
    .open(B)
    .add({ kind: 'snapshot' })
    .exchange(1, { claimed: [`${JOB}:1`] })
    .start()
    .add({ kind: 'rollback', to: 'snapshot' })
    .exchange(1, { daemon: B, claimed: [`${JOB}:1`] })
    .start(1, JOB, 601)
    .add({ kind: 'fail', id: JOB, token: `${JOB}:1` }, WORKER)
    .exchange(1, {
      others: [{ type: 'release', token: `${JOB}:1`, count: 'none' }],
      refused: [`${JOB}:1`],
    })
    .end(1, JOB, 601)
    .exchange(2, { daemon: B, acks: [`${JOB}:1`] })
    .dump(),
  'a daemon that comes back after an outage': story()
    .add({ kind: 'daemon', name: 'daemon0', pid: 9, what: 'running' })
    .later(10_000)
    .add({ kind: 'fault_over', action: { do: 'kill_redis', ms: 1 }, door: '' })
    .later(1_000)
    .open()
    .later(6_000)
    .open(B),
  'an outage that begins where an equal one ends': story()
    .add({ kind: 'daemon', name: 'daemon0', pid: 9, what: 'running' })
    .later(10_000)
    .add(STOPS_REDIS)
    .add(STOPS_REDIS)
    .later(8_000)
    .add({ kind: 'fault_over', action: STOPS_REDIS.action, door: '' })
    .later(8_000)
    .add({ kind: 'fault_over', action: STOPS_REDIS.action, door: '' })
    .open()
    .later(6_000)
    .open(B),
  'ticks one after the other': story().open().fire(0, 1_000, JOB).fire(1_000, 2_000, OTHER),
  'a tick that is asked for again, after the next one found no answer': story()
    .open()
    .fire(0, 1_000, JOB)
    .fire(1_000, 2_000, OTHER, false)
    .fire(0, 1_000, JOB)
    .fire(1_000, 2_000, OTHER),
  'a tick that is asked for again without an answer, and again': story()
    .open()
    .fire(0, 1_000)
    .fire(0, 1_000, JOB, false)
    .fire(0, 1_000),
};

const BAD: readonly (readonly [Invariant, string, Story])[] = [
  ['I1', 'an acknowledged job was never stored', story().ask().told('stored')],
  [
    'I1',
    'an acknowledged job has not ended',
    asked().dump({ waiting: [recordOf(JOB)], counters: { enqueued: 1 } }),
  ],
  [
    'I1',
    'an acknowledged job is still in flight',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .dump({ counters: { enqueued: 1 } }),
  ],
  ['I1', 'a refused job was stored', story().ask().enqueue().told('refused').open().through().dump()],
  [
    'I1',
    'a job was acknowledged without a run',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .exchange(2, { acks: [`${JOB}:1`] })
      .dump(),
  ],
  [
    'I1',
    'a job was acknowledged and its run had failed',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .start()
      .add({ kind: 'fail', id: JOB, token: `${JOB}:1` }, WORKER)
      .exchange(2, { acks: [`${JOB}:1`] })
      .dump(),
  ],
  [
    'I1',
    'a completed job is dead as well',
    asked()
      .through()
      .dump({ dead: [recordOf(JOB)] }),
  ],
  [
    'I1',
    'a completed job waits again',
    asked()
      .through()
      .dump({ waiting: [recordOf(JOB)] }),
  ],
  ['I1', 'a kept result is missing', story().enqueue(JOB, { keepResult: true }).open().through().dump()],
  [
    'I1',
    'a dead job is not among the dead',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .start()
      .end()
      .exchange(2, { others: [{ type: 'dead', token: `${JOB}:1`, count: 'failure' }] })
      .dump({ counters: { enqueued: 1 } }),
  ],
  [
    'I2',
    'an acknowledgement was accepted twice',
    asked()
      .through()
      .exchange(3, { acks: [`${JOB}:1`] })
      .dump(),
  ],
  [
    'I2',
    'a completed job was handed out again',
    asked()
      .through()
      .exchange(3, { claimed: [`${JOB}:2`] }),
  ],
  [
    'I2',
    'more completed jobs are counted than there are',
    asked()
      .through()
      .dump({ counters: { enqueued: 1, completed: 2 } }),
  ],
  [
    'I3',
    'a job ran beside itself',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .start()
      .exchange(2, { others: [{ type: 'release', token: `${JOB}:1`, count: 'none' }] })
      .exchange(3, { claimed: [`${JOB}:2`] })
      .start(2, JOB, 601)
      .end()
      .end(2, JOB, 601),
  ],
  [
    'I3',
    'a lease was taken before its time',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .later(LEASE_MS / 2)
      .reclaim(),
  ],
  [
    'I3',
    'a lease was taken though nothing kept its owner from renewing it',
    asked()
      .later(2 * LEASE_MS)
      .reclaim(),
  ],
  [
    'I3',
    'the settlement of a live owner was refused',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .start()
      .end()
      .exchange(2, { acks: [`${JOB}:1`], refusedAcks: 1 }),
  ],
  ['I3', 'a live owner was told that its lease is lost', asked().heartbeat({ status: 'lost' })],
  ['I4', 'a repeated batch stored another job', asked().enqueue(OTHER, {}, `batch-of-${JOB}`)],
  [
    'I4',
    'a batch that nobody answered stored another job when it was repeated',
    story().ask().enqueueUnanswered().enqueue(OTHER, {}, `batch-of-${JOB}`),
  ],
  ['I4', 'a job was stored twice', asked().enqueue(JOB, {}, 'another-batch')],
  [
    'I4',
    'a replay handed out another job',
    asked()
      .enqueue(OTHER)
      .exchange(1, { claimed: [`${JOB}:1`] })
      .exchange(1, { claimed: [`${OTHER}:1`] }),
  ],
  ['I4', 'a number beyond the next one was executed', asked().exchange(1).exchange(3)],
  ['I4', 'an old number was executed', asked().exchange(1).exchange(2).exchange(1)],
  [
    'I4',
    'a delivery was started twice',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .start()
      .start(),
  ],
  [
    'I4',
    'more jobs are counted than were stored',
    asked()
      .through()
      .dump({ counters: { enqueued: 2, completed: 1 } }),
  ],
  [
    'I4',
    'a script failed',
    asked().call({
      verb: 'exchange',
      queue: 'io',
      daemon: A,
      lane: 0,
      number: 1,
      acks: [],
      others: [],
      error: 'ERR user_script:12: attempt to index a nil value',
    }),
  ],
  [
    'I5',
    'the claims of a job fell',
    asked()
      .exchange(1, { claimed: [`${JOB}:2`] })
      .exchange(2, { others: [{ type: 'release', token: `${JOB}:2`, count: 'none' }] })
      .exchange(3, { claimed: [`${JOB}:1`] }),
  ],
  [
    'I5',
    'a job in flight was handed out again',
    asked()
      .open(B)
      .exchange(1, { claimed: [`${JOB}:1`] })
      .exchange(1, { daemon: B, claimed: [`${JOB}:2`] }),
  ],
  [
    'I5',
    'a heartbeat of a taken lease was accepted',
    asked()
      .later(2 * LEASE_MS)
      .reclaim()
      .heartbeat({ status: 'renewed', inFlight: 0 }),
  ],
  [
    'I5',
    'an exchange of a taken lease was accepted',
    asked()
      .later(2 * LEASE_MS)
      .reclaim()
      .exchange(1),
  ],
  [
    'I5',
    'the settlement of an old token was accepted',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .exchange(2, { others: [{ type: 'retry', token: `${JOB}:9`, count: 'failure' }] }),
  ],
  ['I5', 'a job was started that nobody had handed out', asked().start()],
  [
    'I6',
    'a tick was fired twice',
    story().fire(0, 1_000, JOB).fire(1_000, 2_000, OTHER).fire(2_000, 3_000, JOB),
  ],
  ['I6', 'a tick was left out', story().fire(0, 1_000, JOB).fire(1_000, 3_000, OTHER)],
  ['I6', 'a tick was fired from another than the last', story().fire(0, 1_000, JOB).fire(0, 2_000, OTHER)],
  [
    'I7',
    'a crash was counted of a job that had only failed',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .start()
      .add({ kind: 'fail', id: JOB, token: `${JOB}:1` }, WORKER)
      .exchange(2, { others: [{ type: 'retry', token: `${JOB}:1`, count: 'crash' }] }),
  ],
  [
    'I7',
    'a crash was counted of a job that had not begun',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .exchange(2, { others: [{ type: 'retry', token: `${JOB}:1`, count: 'crash' }] }),
  ],
  [
    'I7',
    'a job is dead whose task never fails',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .start()
      .add({ kind: 'process_gone', process: WORKER, lastSeen: 100_010 })
      .exchange(2, { others: [{ type: 'dead', token: `${JOB}:1`, count: 'crash' }] })
      .dump({ dead: [recordOf(JOB, 1)], counters: { enqueued: 1 } }),
  ],
  ['I8', 'a worker lived on after its master', story().add({ kind: 'orphans', name: 'daemon0', count: 1 })],
  [
    'I9',
    'jobs were left when their time was over',
    story().add({ kind: 'quiet', left: 3, ms: 20_001, withinMs: 20_000 }),
  ],
  [
    'I9',
    'a daemon did not come back after an outage',
    story()
      .add({ kind: 'daemon', name: 'daemon0', pid: 9, what: 'running' })
      .later(10_000)
      .add({ kind: 'fault_over', action: { do: 'kill_redis', ms: 1 }, door: '' })
      .later(6_000)
      .open(),
  ],
  [
    'I10',
    'a job got another input',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .start(1, JOB, WORKER, 'another sum'),
  ],
  [
    'I11',
    'a daemon ended with an error',
    story().add({ kind: 'stopped', name: 'daemon0', code: 1, ms: 100, withinMs: 8_000 }),
  ],
  [
    'I11',
    'a daemon took too long to stop',
    story().add({ kind: 'stopped', name: 'daemon0', code: 0, ms: 9_000, withinMs: 8_000 }),
  ],
  [
    'I11',
    'a job was left in flight',
    asked().dump({ inFlight: [{ daemon: A, token: `${JOB}:1`, record: recordOf(JOB) }], leases: [A] }),
  ],
  ['I12', 'a job is in two places', asked().dump({ waiting: [recordOf(JOB)], dead: [recordOf(JOB)] })],
  [
    'I12',
    'a job is in flight without a lease',
    asked().dump({ inFlight: [{ daemon: A, token: `${JOB}:1`, record: recordOf(JOB) }] }),
  ],
  [
    'I12',
    'a unique key has no holder',
    asked()
      .through()
      .dump({ unique: { key: OTHER } }),
  ],
  [
    'I12',
    'the broker counts other deliveries than it handed out',
    asked()
      .exchange(1, { claimed: [`${JOB}:1`] })
      .heartbeat({ status: 'renewed', inFlight: 0 }),
  ],
  [
    'I13',
    'two jobs live under one unique key',
    story().enqueue(JOB, { unique: 'key' }).enqueue(OTHER, { unique: 'key' }),
  ],
  [
    'I14',
    'a key is left behind',
    asked()
      .through()
      .dump({ strayKeys: ['fl:{chaos:io}:session:x'] }),
  ],
  [
    'I14',
    'open files are left behind',
    story()
      .add({ kind: 'idle', name: 'daemon0', when: 'before', fds: 30, processes: 2 })
      .add({ kind: 'idle', name: 'daemon0', when: 'after', fds: 60, processes: 2 }),
  ],
  [
    'I14',
    'processes are left behind',
    story()
      .add({ kind: 'idle', name: 'daemon0', when: 'before', fds: 30, processes: 2 })
      .add({ kind: 'idle', name: 'daemon0', when: 'after', fds: 30, processes: 3 }),
  ],
];

describe('chaos checker', () => {
  for (const [what, good] of Object.entries(GOOD)) {
    it(`accepts ${what}`, () =>
      assert.deepEqual(check(good.events, { leaseMs: LEASE_MS, mayDie: {} }).violations, []));
  }
  for (const [invariant, what, bad] of BAD) {
    it(`refuses by ${invariant}: ${what}`, () =>
      assert.ok(bad.broken().has(invariant), [...bad.broken()].join(' ')));
  }
  it('accepts the death of a poisoned job after its three crashes, and no other number', () => {
    const poisoned = (crashes: number) => {
      const tale = asked();
      for (let claim = 1; claim <= crashes; claim++) {
        const token = `${JOB}:${claim}`;
        const type = claim === crashes ? 'dead' : 'retry';
        tale
          .exchange(2 * claim - 1, { claimed: [token] })
          .start(claim, JOB, WORKER + claim)
          .add({ kind: 'process_gone', process: WORKER + claim, lastSeen: 0 })
          .exchange(2 * claim, { others: [{ type, token, count: 'crash' }] });
      }
      return tale
        .dump({ dead: [recordOf(JOB, crashes)], counters: { enqueued: 1, completed: 0 } })
        .broken({ quick: 3 });
    };
    assert.deepEqual([...poisoned(3)], []);
    assert.deepEqual([...poisoned(2)], ['I7']);
  });
  it('has a bad history for every invariant', () => {
    const refused = new Set(BAD.map(([invariant]) => invariant));
    assert.deepEqual(
      Object.keys(INVARIANTS).filter((invariant) => !refused.has(invariant as Invariant)),
      [],
    );
  });
});
