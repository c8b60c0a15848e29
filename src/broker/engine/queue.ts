/**
 * The rules of one queue (docs: the broker contract), over a shelf that keeps its jobs. Every verb is synchronous and
 * takes the time as an argument; sessions live here, in memory, because they end with the process that holds the shelf.
 */

import type { EpochMs } from '../../lib/clock.ts';
import { recordId } from '../job-record.ts';
import type { EnqueueBatch, EnqueueReply } from '../messages/enqueue.ts';
import type { ExchangeDone, ExchangeReply, ExchangeRequest } from '../messages/exchange.ts';
import type {
  HeartbeatReply,
  ReclaimReply,
  ReclaimRequest,
  ResyncReply,
  ResyncRequest,
  SweepReply,
} from '../messages/lease.ts';
import type { PauseRequest, QueuePause } from '../messages/operator.ts';
import { type Claimed, Claimer } from './claimer.ts';
import { DeadJobs } from './dead-jobs.ts';
import { readHeader } from './header.ts';
import { Inspector } from './inspector.ts';
import { Operator } from './operator.ts';
import { dueAt, placeReclaimed, readyLine } from './placement.ts';
import { Schedules } from './schedules.ts';
import { type Session, Sessions } from './sessions.ts';
import { Settler } from './settler.ts';
import { DELAYED, IN_FLIGHT, type JobKey, type Move, type NewJob, READY, type Shelf } from './shelf.ts';

const MARK_MS = 60_000;
const LEASE_SLACK_MS = 5_000;
const RECLAIM_CHUNK = 1_000;

/** What a paused queue tells of itself. */
const NOTHING_MORE = { more: false, suspects: false, nextDueMs: null } as const;
const NOTHING_TO_CLAIM: Claimed = { jobs: [], dropped: [], ...NOTHING_MORE };

export class Queue {
  readonly name: string;
  readonly inspector: Inspector;
  readonly operator: Operator;
  readonly schedules: Schedules;
  readonly #shelf: Shelf;
  readonly #sessions = new Sessions();
  readonly #dead: DeadJobs;
  readonly #settler: Settler;
  readonly #claimer: Claimer;
  readonly #onReady: (queue: string) => void;

  /** `onReady`: something to claim was added. */
  constructor(name: string, shelf: Shelf, onReady: (queue: string) => void) {
    const wake = () => this.#wake();
    this.name = name;
    this.#shelf = shelf;
    this.#onReady = onReady;
    this.inspector = new Inspector(name, shelf, this.#sessions);
    this.operator = new Operator(shelf, wake);
    this.schedules = new Schedules(shelf, wake);
    this.#dead = new DeadJobs(shelf);
    this.#settler = new Settler(shelf, this.#dead, wake);
    this.#claimer = new Claimer(shelf, this.#dead, wake);
  }

  /** `highest`: the highest time seen, so that a clock that steps back does not let an old batch in again. */
  enqueue(now: EpochMs, highest: EpochMs, batch: EnqueueBatch): EnqueueReply {
    if (highest > batch.notAfterAt) return { status: 'late', now: highest };
    const known = this.#shelf.answerTo(batch.id);
    if (known !== null) return { status: 'stored', existing: known, now: highest };
    const added: NewJob[] = [];
    const existing = batch.jobs.map(({ record, delayMs }) => {
      const header = readHeader(record);
      const unique = header?.unique ?? null;
      if (unique !== null) {
        const holder = this.#shelf.holderOf(unique);
        if (holder !== null) return holder;
        this.#shelf.hold(unique, recordId(record));
      }
      const line = header === null ? READY : readyLine(header);
      added.push(
        delayMs > 0 ? { record, line: DELAYED, rank: dueAt(now, delayMs) } : { record, line, rank: 'tail' },
      );
      return null;
    });
    this.#shelf.add(added);
    this.#shelf.remember(batch.id, existing, batch.notAfterAt + MARK_MS);
    this.#shelf.tally('enqueued', added.length);
    if (added.some((job) => job.line !== DELAYED)) this.#wake();
    return { status: 'stored', existing, now: highest };
  }

  setPaused(now: EpochMs, { paused, version }: PauseRequest): QueuePause {
    const { pause } = this.#shelf;
    if (version <= pause.version) return pause;
    const next = { version, pausedAt: paused ? (pause.pausedAt ?? now) : null };
    this.#shelf.setPause(next);
    this.#wake();
    return next;
  }

  open(now: EpochMs, request: { daemon: string; leaseMs: number }): 'opened' | 'refused' {
    return this.#sessions.open(request.daemon, now + request.leaseMs);
  }

  exchange(now: EpochMs, request: ExchangeRequest): ExchangeReply {
    const session = this.#sessions.live(request.daemon);
    if (session === null) return { status: 'lost' };
    const last = session.lanes[request.lane].number;
    if (request.number === last) return this.#repeat(session, request, now);
    if (request.number < last) return { status: 'stale' };
    if (request.number > last + 1) return { status: 'gap', last };
    this.#restoreOnRollback(session);
    this.#dead.keep(request.keepDead);
    const settled = this.#settler.settle(session, request.settle, now);
    session.deadlineAt = now + request.leaseMs;
    const claimed = this.#claim(session, request, now);
    if (claimed.jobs.length > 0 && claimed.more) this.#wake(); // for whoever else waits
    const done: ExchangeDone = { status: 'done', ...settled, ...claimed, now };
    const { jobs, ...rest } = done;
    const tokens = jobs.map(({ token, alone }) => ({ token, alone }));
    session.lanes[request.lane] = { number: request.number, answer: { ...rest, tokens } };
    return done;
  }

  heartbeat(now: EpochMs, request: { daemon: string; leaseMs: number }): HeartbeatReply {
    const session = this.#sessions.live(request.daemon);
    if (session === null) return { status: 'lost' };
    session.deadlineAt = now + request.leaseMs;
    return { status: 'renewed', inFlight: session.inFlight.size, now };
  }

  resync(now: EpochMs, request: ResyncRequest): ResyncReply {
    const session = this.#sessions.live(request.daemon);
    if (session === null) return { status: 'lost' };
    for (const lane of [0, 1] as const) {
      const number = request.numbers[lane];
      if (number > session.lanes[lane].number) session.lanes[lane] = { number, answer: null };
    }
    session.deadlineAt = now + request.leaseMs;
    return { status: 'synced', tokens: [...session.inFlight.keys()], now };
  }

  closeSession(now: EpochMs, request: { daemon: string }): void {
    this.#sessions.close(request.daemon, now);
  }

  sweep(now: EpochMs, request: { leaseMs: number }): SweepReply {
    if (!this.#paused) this.#claimer.promote(now);
    this.#sessions.sweep(now, request.leaseMs, LEASE_SLACK_MS);
    this.#shelf.purge(now);
    this.#dead.trim(now);
    return { now, leases: this.#sessions.leases() };
  }

  reclaim(now: EpochMs, request: ReclaimRequest): ReclaimReply {
    const session = this.#sessions.get(request.daemon);
    if (session === null)
      return { status: 'reclaimed', moved: this.#sessions.takenFrom(request.daemon), more: false };
    if (session.state === 'live') {
      const past = request.proven || now > session.deadlineAt;
      if (session.deadlineAt !== request.deadlineAt || !past) return { status: 'alive' };
    }
    this.#restoreOnRollback(session);
    session.state = 'taken';
    const chunk = [...session.inFlight].slice(-RECLAIM_CHUNK); // the last first, so that the whole keeps its order
    this.takeBack(
      now,
      chunk.map(([, delivered]) => delivered.key),
    );
    for (const [token] of chunk) session.inFlight.delete(token);
    session.takenJobs += chunk.length;
    const more = session.inFlight.size > 0;
    if (!more) {
      this.#shelf.onRollback(() => this.#sessions.restore(request.daemon, session));
      this.#sessions.bury(request.daemon, now);
    }
    return { status: 'reclaimed', moved: session.takenJobs, more };
  }

  /** Jobs in flight whose daemon is gone go back to the head, in the order given; what is no record any more is dead. */
  takeBack(now: EpochMs, keys: readonly JobKey[]): void {
    const moves: Move[] = [];
    const unreadable: JobKey[] = [];
    for (const [key, record] of this.#shelf.read(keys)) {
      const header = readHeader(record);
      if (header === null) unreadable.push(key);
      else moves.push(placeReclaimed({ key, record, header }));
    }
    this.#shelf.move(IN_FLIGHT, moves);
    this.#shelf.tally('reclaimed', moves.length);
    this.#dead.bury(unreadable, now);
    if (moves.length > 0) this.#wake();
  }

  get #paused(): boolean {
    return this.#shelf.pause.pausedAt !== null;
  }

  /** There is something to claim, unless the queue is paused. */
  #wake(): void {
    if (!this.#paused) this.#onReady(this.name);
  }

  #claim(session: Session, request: ExchangeRequest, now: EpochMs): Claimed {
    if (this.#paused) return NOTHING_TO_CLAIM;
    this.#claimer.promote(now);
    return this.#claimer.claim(session, request, now);
  }

  #repeat(session: Session, request: ExchangeRequest, now: EpochMs): ExchangeReply {
    const { answer } = session.lanes[request.lane];
    if (answer === null) return { status: 'stale' };
    session.deadlineAt = now + request.leaseMs;
    const { tokens, ...rest } = answer;
    const held = tokens.flatMap(({ token, alone }) => {
      const delivered = session.inFlight.get(token);
      return delivered === undefined ? [] : [{ token, alone, key: delivered.key }];
    });
    const records = this.#shelf.read(held.map(({ key }) => key));
    const jobs = held.map(({ token, alone, key }) => ({ token, alone, record: records.get(key) ?? '' }));
    // What it dropped is dropped, whether or not the queue was paused since.
    return this.#paused ? { ...rest, ...NOTHING_MORE, jobs } : { ...rest, jobs };
  }

  #restoreOnRollback(session: Session): void {
    const { state, deadlineAt, takenJobs } = session;
    const lanes = [...session.lanes] as const;
    const inFlight = [...session.inFlight];
    this.#shelf.onRollback(() => {
      Object.assign(session, { state, deadlineAt, takenJobs });
      session.lanes[0] = lanes[0];
      session.lanes[1] = lanes[1];
      session.inFlight.clear();
      for (const [token, delivered] of inFlight) session.inFlight.set(token, delivered);
    });
  }
}
