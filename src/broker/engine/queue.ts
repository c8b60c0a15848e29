/**
 * The rules of one queue (docs: the broker contract), over a shelf that keeps its jobs. Every verb is synchronous and
 * takes the time as an argument; sessions live here, in memory, because they end with the process that holds the shelf.
 */

import type { EpochMs } from '../../lib/clock.ts';
import { recordId, tokenId, tokenOf } from '../job-record.ts';
import { BATCH_BYTES_LIMIT, BATCH_LIMIT } from '../messages/batch.ts';
import type { EnqueueBatch, EnqueueReply } from '../messages/enqueue.ts';
import type {
  ClaimedJob,
  ExchangeDone,
  ExchangeReply,
  ExchangeRequest,
  ResultRecord,
  Settlement,
} from '../messages/exchange.ts';
import type {
  HeartbeatReply,
  ReclaimReply,
  ReclaimRequest,
  ResyncReply,
  ResyncRequest,
  SweepReply,
} from '../messages/lease.ts';
import type {
  JobState,
  ListRequest,
  PauseRequest,
  QueuePause,
  QueueStats,
  StoredJob,
} from '../messages/operator.ts';
import {
  type FireReply,
  type FireRequest,
  WATERMARK_AHEAD_MS,
  type Watermark,
  type WatermarkReply,
} from '../messages/schedule.ts';
import { readHeader, readStanding } from './header.ts';
import { Operator } from './operator.ts';
import { type Delivered, type Session, Sessions } from './sessions.ts';
import { placeReclaimed, placeSettled, readyLine } from './settle.ts';
import {
  DEAD,
  DELAYED,
  type Found,
  IN_FLIGHT,
  type JobKey,
  type KeptResult,
  type Line,
  type Move,
  type NewJob,
  READY,
  READY_LINES,
  READY_LINES_REVERSED,
  type Shelf,
  SUSPECTS,
} from './shelf.ts';

const MARK_MS = 60_000;
const LEASE_SLACK_MS = 5_000;
const PROMOTE_CHUNK = 1_000;
const RECLAIM_CHUNK = 1_000;
/** Every so many numbers of a lane the lowest priority is served first: strict order would starve it. */
const FAIR_EVERY = 8;
/** The time in the first 48 bits of a UUIDv7. */
const bornAt = (id: string): EpochMs => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

type Claimed = Pick<ExchangeDone, 'jobs' | 'dropped' | 'more' | 'suspects' | 'nextDueMs'>;

export class Queue {
  readonly name: string;
  readonly operator: Operator;
  readonly #shelf: Shelf;
  readonly #sessions = new Sessions();
  readonly #onReady: (queue: string) => void;
  /** As last asked for by a daemon: a quiet queue's dead age too. */
  #keepDead: ExchangeRequest['keepDead'] | null = null;

  /** `onReady`: something to claim was added. */
  constructor(name: string, shelf: Shelf, onReady: (queue: string) => void) {
    this.name = name;
    this.#shelf = shelf;
    this.#onReady = onReady;
    this.operator = new Operator(shelf, () => this.#wake());
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
        delayMs > 0 ? { record, line: DELAYED, rank: now + delayMs } : { record, line, rank: 'tail' },
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

  watermark(now: EpochMs, { schedule }: { schedule: string }): WatermarkReply {
    const known = this.#shelf.watermark(schedule);
    if (known !== null && known.tick <= now + WATERMARK_AHEAD_MS) return { watermark: known, now };
    const watermark = { tick: now, holder: null };
    this.#shelf.setWatermark(schedule, watermark);
    return { watermark, now };
  }

  fire(now: EpochMs, { schedule, previous, tick, record }: FireRequest): FireReply {
    const known = this.#shelf.watermark(schedule);
    if (known?.tick !== previous || tick <= previous || tick > now) return { watermark: known, now };
    const header = readHeader(record);
    const unique = header?.unique ?? null;
    const holder = unique === null ? null : this.#shelf.holderOf(unique);
    const watermark: Watermark = { tick, holder };
    this.#shelf.setWatermark(schedule, watermark);
    if (holder !== null) return { watermark, now };
    if (unique !== null) this.#shelf.hold(unique, recordId(record));
    this.#shelf.add([{ record, line: header === null ? READY : readyLine(header), rank: 'tail' }]);
    this.#shelf.tally('enqueued', 1);
    this.#wake();
    return { watermark, now };
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
    this.#keepDead = request.keepDead;
    const settled = this.#settle(session, request, now);
    session.deadlineAt = now + request.leaseMs;
    this.#promote(now);
    const claimed = this.#paused ? NOTHING_TO_CLAIM : this.#claim(session, request, now);
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
    this.#promote(now);
    this.#sessions.sweep(now, request.leaseMs, LEASE_SLACK_MS);
    this.#shelf.purge(now);
    if (this.#shelf.count(DEAD) > 0) this.#trimDead(now);
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
    this.takeBack(chunk.map(([, delivered]) => delivered.key));
    for (const [token] of chunk) session.inFlight.delete(token);
    session.takenJobs += chunk.length;
    const more = session.inFlight.size > 0;
    if (!more) {
      this.#shelf.onRollback(() => this.#sessions.restore(request.daemon, session));
      this.#sessions.bury(request.daemon, now);
    }
    return { status: 'reclaimed', moved: session.takenJobs, more };
  }

  /** Jobs in flight whose daemon is gone go back to the head, in the order given. */
  takeBack(keys: readonly JobKey[]): void {
    const moves: Move[] = [];
    for (const [key, record] of this.#shelf.read(keys)) {
      const header = readHeader(record);
      if (header === null) continue;
      moves.push(placeReclaimed({ key, record, header }));
    }
    this.#shelf.move(IN_FLIGHT, moves);
    this.#shelf.tally('reclaimed', moves.length);
    if (moves.length > 0) this.#wake();
  }

  results(now: EpochMs, ids: readonly string[]): (string | null)[] {
    return this.#shelf.results(ids, now);
  }

  stats(now: EpochMs): QueueStats {
    const born = this.#shelf.heads().map((job) => bornAt(recordId(job.record)));
    const oldest = born.filter(Number.isFinite);
    return {
      queue: this.name,
      ready: this.#ready() + this.#shelf.count(SUSPECTS),
      delayed: this.#shelf.count(DELAYED),
      inFlight: this.#shelf.count(IN_FLIGHT),
      dead: this.#shelf.count(DEAD),
      oldestReadyMs: oldest.length === 0 ? null : Math.max(0, now - Math.min(...oldest)),
      pause: this.#shelf.pause,
      counters: this.#shelf.counters(),
    };
  }

  list(request: ListRequest): StoredJob[] {
    const found = this.#shelf.list(LINES_OF[request.state], request.limit);
    const holders = request.state === 'in_flight' ? this.#sessions.holders() : null;
    return found.map((job) => stored(job, holders));
  }

  find(id: string): StoredJob | null {
    const found = this.#shelf.find(id);
    return found === null ? null : stored(found, found.line === IN_FLIGHT ? this.#sessions.holders() : null);
  }

  get #paused(): boolean {
    return this.#shelf.pause.pausedAt !== null;
  }

  /** There is something to claim, unless the queue is paused. */
  #wake(): void {
    if (!this.#paused) this.#onReady(this.name);
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
    return this.#paused ? { ...rest, ...NOTHING_TO_CLAIM, jobs } : { ...rest, jobs };
  }

  #settle(
    session: Session,
    request: ExchangeRequest,
    now: EpochMs,
  ): Pick<ExchangeDone, 'refused' | 'refusedAcks'> {
    const refused: string[] = [];
    let refusedAcks = 0;
    const acked: JobKey[] = [];
    const others: { delivered: Delivered; settlement: Exclude<Settlement, { type: 'ack' }> }[] = [];
    const results: KeptResult[] = [];
    for (const settlement of request.settle) {
      const { token } = settlement;
      const delivered = session.inFlight.get(token);
      if (delivered === undefined) {
        if (settlement.type === 'ack' && settlement.result === undefined) refusedAcks += 1;
        else refused.push(token);
        continue;
      }
      session.inFlight.delete(token);
      if (settlement.type === 'ack') acked.push(delivered.key);
      else others.push({ delivered, settlement });
      const ends = settlement.type === 'ack' || settlement.type === 'dead';
      if (!ends) continue;
      if (delivered.unique !== null) this.#shelf.release(delivered.unique, tokenId(token));
      const { result } = settlement;
      if (result !== undefined)
        results.push({ id: tokenId(token), json: result.json, untilAt: now + result.ttlMs });
    }
    this.#shelf.remove(IN_FLIGHT, acked);
    this.#shelf.keepResults(results);
    this.#shelf.tally('completed', acked.length);
    this.#shelf.tally('refused', refused.length + refusedAcks);
    this.#moveSettled(others, now);
    return { refused, refusedAcks };
  }

  #moveSettled(
    settled: readonly { delivered: Delivered; settlement: Exclude<Settlement, { type: 'ack' }> }[],
    now: EpochMs,
  ): void {
    if (settled.length === 0) return;
    const records = this.#shelf.read(settled.map(({ delivered }) => delivered.key));
    const moves: Move[] = [];
    for (const { delivered, settlement } of settled) {
      const record = records.get(delivered.key);
      const header = record === undefined ? null : readHeader(record);
      if (record === undefined || header === null) continue;
      moves.push(placeSettled({ key: delivered.key, record, header }, settlement, now));
      if (settlement.type === 'retry') this.#shelf.tally('retried', 1);
      if (settlement.type === 'dead') this.#shelf.tally('dead', 1);
    }
    this.#shelf.move(IN_FLIGHT, moves);
    if (moves.some((move) => move.line === DEAD)) this.#trimDead(now);
    if (moves.some((move) => move.line !== DEAD && move.line !== DELAYED)) this.#wake();
  }

  #trimDead(now: EpochMs): void {
    if (this.#keepDead !== null) this.#shelf.trimDead(this.#keepDead.count, now - this.#keepDead.ageMs);
  }

  #promote(now: EpochMs): void {
    if (this.#paused || this.#shelf.count(DELAYED) === 0) return;
    const moves = this.#shelf.due(now, PROMOTE_CHUNK).map(
      ({ key, record }): Move => ({
        key,
        record: null,
        line: readyLine(readStanding(record)),
        rank: 'tail',
      }),
    );
    this.#shelf.move(DELAYED, moves);
    if (moves.length > 0) this.#wake();
  }

  #claim(session: Session, request: ExchangeRequest, now: EpochMs): Claimed {
    const alone = request.alone && this.#shelf.count(SUSPECTS) > 0;
    const lines = alone ? [SUSPECTS] : request.number % FAIR_EVERY === 0 ? READY_LINES_REVERSED : READY_LINES;
    const want = Math.min(request.want, alone ? 1 : BATCH_LIMIT);
    const jobs: ClaimedJob[] = [];
    const dropped: { id: string; reason: 'expired' | 'corrupt' }[] = [];
    let bytes = 0;
    while (jobs.length < want && bytes < BATCH_BYTES_LIMIT && dropped.length < BATCH_LIMIT) {
      const taken = this.#shelf.take(lines, want - jobs.length, BATCH_BYTES_LIMIT - bytes);
      if (taken.length === 0) break;
      for (const { key, record } of taken) {
        bytes += record.length;
        const header = readHeader(record);
        if (header === null) {
          dropped.push({ id: recordId(record), reason: 'corrupt' });
          this.#buryCorrupt(key, now);
        } else if (header.expiresAt !== 0 && now >= header.expiresAt) {
          dropped.push({ id: header.id, reason: 'expired' });
          this.#expire({ key, ...header }, request, now);
        } else {
          const token = tokenOf(header.id, header.claims + 1);
          session.inFlight.set(token, { key, unique: header.unique });
          jobs.push({ token, record, alone });
        }
      }
    }
    const dueAt = this.#shelf.nextDueAt();
    return {
      jobs,
      dropped,
      more: this.#ready() > 0,
      suspects: this.#shelf.count(SUSPECTS) > 0,
      nextDueMs: dueAt === null ? null : Math.max(0, dueAt - now),
    };
  }

  #expire(
    job: { key: JobKey; id: string; unique: string | null; keepResult: boolean },
    request: ExchangeRequest,
    now: EpochMs,
  ): void {
    this.#shelf.remove(IN_FLIGHT, [job.key]);
    this.#shelf.tally('expired', 1);
    if (job.unique !== null) this.#shelf.release(job.unique, job.id);
    if (!job.keepResult) return;
    const result: ResultRecord = {
      status: 'expired',
      error: { name: 'JobExpired', message: 'the job was not started before its time ran out' },
    };
    const untilAt = now + request.droppedResultTtlMs;
    this.#shelf.keepResults([{ id: job.id, json: JSON.stringify(result), untilAt }]);
  }

  /** Kept among the dead as it is, for a person to look at. */
  #buryCorrupt(key: JobKey, now: EpochMs): void {
    this.#shelf.move(IN_FLIGHT, [{ key, record: null, line: DEAD, rank: now }]);
    this.#shelf.tally('dead', 1);
    this.#trimDead(now);
  }

  #ready(): number {
    let ready = 0;
    for (const line of READY_LINES) ready += this.#shelf.count(line);
    return ready;
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

/** What a paused queue tells of itself. */
const NOTHING_TO_CLAIM: Claimed = { jobs: [], dropped: [], more: false, suspects: false, nextDueMs: null };

const LINES_OF: Readonly<Record<JobState, readonly Line[]>> = {
  ready: [SUSPECTS, ...READY_LINES],
  delayed: [DELAYED],
  in_flight: [IN_FLIGHT],
  dead: [DEAD],
};

function stored(job: Found, holders: Map<JobKey, string> | null): StoredJob {
  const { line, record } = job;
  if (line === DELAYED) return { state: 'delayed', record, at: job.at, daemon: null };
  if (line === DEAD) return { state: 'dead', record, at: job.at, daemon: null };
  if (line === IN_FLIGHT)
    return { state: 'in_flight', record, at: null, daemon: holders?.get(job.key) ?? null };
  return { state: 'ready', record, at: null, daemon: null };
}
