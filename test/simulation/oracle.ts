import type { EnqueueBatch, EnqueueReply } from '../../src/broker/messages/enqueue.ts';
import type {
  HeartbeatReply,
  ReclaimReply,
  ReclaimRequest,
  ResyncReply,
  ResyncRequest,
  SweepReply,
} from '../../src/broker/messages/lease.ts';
import type {
  DeleteReply,
  PauseRequest,
  PurgeReply,
  QueuePause,
  QueueStats,
  RetryReply,
  StoredJob,
} from '../../src/broker/messages/operator.ts';
import type { FireReply, FireRequest, WatermarkReply } from '../../src/broker/messages/schedule.ts';
import type { EpochMs } from '../../src/lib/clock.ts';
import { ExchangeOracle } from './exchange-oracle.ts';
import { compareImage } from './image-check.ts';
import { checkDelete, checkFind, checkList, checkPurge, checkRetry, checkStats } from './operator-oracle.ts';
import type { Call, Effect, QueueImage } from './sim-store.ts';
import {
  claimsOf,
  emptyTruth,
  isLate,
  isSuspect,
  type QueueTruth,
  readRecord,
  remember,
  renew,
  same,
  sorted,
  type TrueJob,
  type TrueSession,
  Violation,
} from './truth.ts';

const LEASE_SLACK_MS = 5_000;
const WATERMARK_AHEAD_MS = 3_600_000;

/** What a reclaim took, for those who know the owner. */
export interface Taken {
  readonly daemon: string;
  readonly session: TrueSession;
  /** The first call: from here on the owner is refused. */
  readonly began: boolean;
  readonly proven: boolean;
  readonly tokens: readonly string[];
}

export interface OracleOptions {
  readonly queue: string;
  readonly onTaken: (taken: Taken) => void;
  /** Whether the store has room now. */
  readonly hasRoom: () => boolean;
  /** A tick was fired: is it the one that the schedule's rules want after `previous`? */
  readonly onFired: (schedule: string, previous: EpochMs, tick: EpochMs, now: EpochMs) => void;
  /** The highest time that the store may remember of calls on other queues. */
  readonly highestElsewhere: () => EpochMs;
}

/** Knows what every call must answer and do on one queue, and compares: at the moment when it is carried out. */
export class Oracle {
  truth: QueueTruth = emptyTruth();
  readonly #options: OracleOptions;
  readonly #exchanges = new ExchangeOracle();

  constructor(options: OracleOptions) {
    this.#options = options;
  }

  /** `now`: the broker's clock. `at`: true time. @throws Violation */
  check(call: Call, effect: Effect, now: EpochMs, at: number): void {
    if (effect.error !== null) this.#refused(call, effect.error);
    else this.#answered(call, effect, now, at);
    this.truth.highest = Math.max(this.truth.highest, now);
    compareImage(this.truth, effect.image, now);
  }

  /** A call whose sender hears nothing. Without an effect, what it would have done is known of an enqueue only. */
  checkUnanswered(call: Call, effect: Effect | null, now: EpochMs, at: number): void {
    if (effect !== null) this.check(call, effect, now, at);
    else if (call.verb === 'enqueue' && now <= call.argument.notAfterAt) this.#store(call.argument, now);
  }

  /** After a death in a call: it was carried out, as this truth has it, or it was not. @throws Violation */
  settleOn(image: QueueImage, without: QueueTruth, now: EpochMs): void {
    const withIt = structuredClone(this.truth);
    try {
      compareImage(withIt, image, now);
      this.truth = withIt;
    } catch (error) {
      this.truth = without;
      this.restarted();
      try {
        compareImage(this.truth, image, now);
      } catch {
        throw error;
      }
    }
  }

  /** The store was started anew over its files: nobody holds anything. */
  restarted(): void {
    for (const job of this.truth.jobs.values()) {
      if (job.place.at !== 'in_flight') continue;
      job.claims = claimsOf(job.place.token);
      countLoss(job);
      job.place = { at: 'ready' };
    }
    this.truth.sessions.clear();
    // It notes the time only when that matters: when it drops what it was to remember until then.
    this.truth.remembered = 0;
  }

  #refused(call: Call, error: Error & { code?: string; disposition?: string }): void {
    const mayBeFull = call.verb === 'enqueue' || call.verb === 'fire' || call.verb === 'retry';
    if (mayBeFull && error.code === 'ERR_BROKER_FULL' && !this.#options.hasRoom()) return;
    throw new Violation('P7', `${call.verb} was refused: ${error.message}`);
  }

  #answered(call: Call, { reply, image }: Effect, now: EpochMs, at: number): void {
    switch (call.verb) {
      case 'enqueue':
        this.#enqueue(call.argument, reply as EnqueueReply, now);
        break;
      case 'open':
        this.#open(call.argument, reply as 'opened' | 'refused', image, now, at);
        break;
      case 'exchange':
        this.#exchanges.check(this.truth, call.argument, reply as never, now, at);
        break;
      case 'heartbeat':
        this.#heartbeat(call.argument, reply as HeartbeatReply, now, at);
        break;
      case 'resync':
        this.#resync(call.argument, reply as ResyncReply, now, at);
        break;
      case 'closeSession':
        this.#close(call.argument.daemon);
        break;
      case 'sweep':
        this.#sweep(call.argument.leaseMs, reply as SweepReply, now);
        break;
      case 'reclaim':
        this.#reclaim(call.argument, reply as ReclaimReply, image, now);
        break;
      case 'watermark':
        this.#watermark(call.argument.schedule, reply as WatermarkReply, now);
        break;
      case 'fire':
        this.#fire(call.argument, reply as FireReply, now);
        break;
      case 'setPaused':
        this.#setPaused(call.argument, reply as QueuePause, now);
        break;
      case 'retry':
        checkRetry(this.truth, call.argument, reply as RetryReply, now);
        break;
      case 'delete':
        checkDelete(this.truth, call.argument, reply as DeleteReply);
        break;
      case 'purge':
        checkPurge(this.truth, call.argument, reply as PurgeReply, image, now);
        break;
      case 'list':
        checkList(this.truth, call.argument, reply as readonly StoredJob[]);
        break;
      case 'find':
        checkFind(this.truth, call.argument, reply as StoredJob | null);
        break;
      case 'stats':
        checkStats(this.truth, reply as QueueStats);
        break;
    }
  }

  #enqueue(batch: EnqueueBatch, reply: EnqueueReply, now: EpochMs): void {
    const { truth } = this;
    if (reply.status === 'late') {
      if (Math.max(now, truth.highest, this.#options.highestElsewhere()) <= batch.notAfterAt)
        throw new Violation('I1', 'a batch was called late in time');
      return;
    }
    if (isLate(truth, batch.notAfterAt, now))
      throw new Violation('I4', 'a batch was answered as stored after its time');
    const known = truth.batches.get(batch.id);
    if (known !== undefined) {
      same('I4', reply.existing, known, 'a repeated batch was answered otherwise');
      return;
    }
    same('I13', reply.existing, this.#store(batch, now), 'the holders of unique keys are others');
  }

  #store(batch: EnqueueBatch, now: EpochMs): readonly (string | null)[] {
    const { truth } = this;
    const known = truth.batches.get(batch.id);
    if (known !== undefined) return known;
    const existing = batch.jobs.map(({ record, delayMs }) => {
      const job = readRecord(record, delayMs, now);
      const holder = job.unique === '' ? undefined : truth.unique.get(job.unique);
      if (holder !== undefined) return holder;
      if (job.unique !== '') truth.unique.set(job.unique, job.id);
      if (truth.jobs.has(job.id)) throw new Violation('I4', `job ${job.id} was stored twice`);
      truth.jobs.set(job.id, job);
      return null;
    });
    truth.batches.set(batch.id, existing);
    remember(truth, now);
    return existing;
  }

  #open(
    { daemon, leaseMs }: { daemon: string; leaseMs: number },
    reply: 'opened' | 'refused',
    image: QueueImage,
    now: EpochMs,
    at: number,
  ): void {
    const session = this.truth.sessions.get(daemon);
    if (session?.state === 'taken' || session?.state === 'buried') {
      if (reply !== 'refused') throw new Violation('I5', `the dead id ${daemon} was opened again`);
      return;
    }
    if (reply !== 'opened') throw new Violation('I5', `the new id ${daemon} was refused`);
    if (session !== undefined) {
      // A copy of the request that came first: it may renew a session that nobody has used yet.
      const deadlineAt = image.leases?.get(daemon);
      const unused = session.lanes.every(({ number }) => number === 0);
      if (deadlineAt !== undefined && unused && deadlineAt === now + leaseMs) renew(session, deadlineAt, at);
      return;
    }
    this.truth.sessions.set(daemon, {
      state: 'live',
      deadlineAt: now + leaseMs,
      renewedAt: at,
      lanes: [
        { number: 0, answer: null },
        { number: 0, answer: null },
      ],
      moved: 0,
    });
  }

  #heartbeat(
    { daemon, leaseMs }: { daemon: string; leaseMs: number },
    reply: HeartbeatReply,
    now: EpochMs,
    at: number,
  ): void {
    const session = this.#standing(daemon, reply.status);
    if (session === null || reply.status === 'lost') return;
    const inFlight = this.#inFlight(daemon).length;
    if (reply.inFlight !== inFlight)
      throw new Violation('I12', `${inFlight} jobs are in flight, the heartbeat says ${reply.inFlight}`);
    remember(this.truth, now);
    renew(session, now + leaseMs, at);
  }

  #resync({ daemon, leaseMs, numbers }: ResyncRequest, reply: ResyncReply, now: EpochMs, at: number): void {
    const session = this.#standing(daemon, reply.status);
    if (session === null || reply.status === 'lost') return;
    same('I12', sorted(reply.tokens), this.#inFlight(daemon), 'the resync lists others than are in flight');
    for (const lane of [0, 1] as const) {
      if (numbers[lane] > session.lanes[lane].number)
        session.lanes[lane] = { number: numbers[lane], answer: null };
    }
    renew(session, now + leaseMs, at);
  }

  #close(daemon: string): void {
    const session = this.truth.sessions.get(daemon);
    if (session?.state === 'live' && this.#inFlight(daemon).length === 0) session.state = 'buried';
  }

  #sweep(leaseMs: number, reply: SweepReply, now: EpochMs): void {
    const leases: [string, EpochMs][] = [];
    for (const [daemon, session] of this.truth.sessions) {
      if (session.state === 'buried') continue;
      if (session.state === 'live' && session.deadlineAt > now + leaseMs + LEASE_SLACK_MS)
        session.deadlineAt = now + leaseMs;
      leases.push([daemon, session.state === 'taken' ? -1 : session.deadlineAt]);
    }
    const told = reply.leases.map(({ daemon, deadlineAt }) => [daemon, deadlineAt]);
    remember(this.truth, now);
    same('I12', told.toSorted(byName), leases.toSorted(byName), 'the leases are others than granted');
  }

  #reclaim(
    { daemon, deadlineAt, proven }: ReclaimRequest,
    reply: ReclaimReply,
    image: QueueImage,
    now: EpochMs,
  ): void {
    const session = this.truth.sessions.get(daemon);
    if (session === undefined || session.state === 'buried') {
      if (reply.status !== 'reclaimed' || reply.more)
        throw new Violation('I12', 'the reclaim of what is gone has no end');
      return;
    }
    if (session.state === 'live') {
      const same = session.deadlineAt === deadlineAt;
      const past = proven || session.deadlineAt <= now;
      if (reply.status === 'alive') {
        if (same && (proven || session.deadlineAt < now))
          throw new Violation('P1', `the dead ${daemon} keeps its jobs`);
        return;
      }
      if (!same || !past) throw new Violation('I3', `the lease of ${daemon} was taken, which it had renewed`);
    } else if (reply.status === 'alive') {
      throw new Violation('P1', `a reclaim that had begun of ${daemon} cannot be finished`);
    }
    if (reply.status !== 'reclaimed') return;
    const began = session.state === 'live';
    const left = new Set(image.jobs.filter((job) => job.daemon === daemon).map(({ token }) => token));
    const tokens = this.#inFlight(daemon).filter((token) => !left.has(token));
    for (const token of tokens) this.#takeBack(token);
    session.moved += tokens.length;
    session.state = reply.more ? 'taken' : 'buried';
    if (reply.more !== left.size > 0)
      throw new Violation('I12', `a reclaim of ${daemon} ends with jobs left behind`);
    if (reply.moved !== session.moved)
      throw new Violation('I12', `a reclaim moved ${session.moved} jobs and says ${reply.moved}`);
    this.#options.onTaken({ daemon, session, began, proven, tokens });
  }

  #takeBack(token: string): void {
    const job = this.truth.jobs.get(token.slice(0, 36));
    if (job === undefined) throw new Violation('I12', `a job that is not known was in flight: ${token}`);
    job.claims = claimsOf(token);
    countLoss(job);
    job.place = { at: 'ready' };
  }

  #watermark(schedule: string, { watermark, now: told }: WatermarkReply, now: EpochMs): void {
    const known = this.truth.schedules.get(schedule);
    const expected =
      known !== undefined && known.tick <= now + WATERMARK_AHEAD_MS ? known : { tick: now, holder: null };
    same('I6', [watermark, told], [expected, now], `the watermark of ${schedule} is another`);
    this.truth.schedules.set(schedule, expected);
  }

  #fire({ schedule, previous, tick, record }: FireRequest, { watermark }: FireReply, now: EpochMs): void {
    const { truth } = this;
    const known = truth.schedules.get(schedule) ?? null;
    if (known?.tick !== previous || tick <= previous || tick > now) {
      same('I6', watermark, known, `${schedule} moved although it stands elsewhere, or the tick is not due`);
      return;
    }
    const job = readRecord(record, 0, now);
    const holder = (job.unique === '' ? undefined : truth.unique.get(job.unique)) ?? null;
    truth.schedules.set(schedule, { tick, holder });
    same('I6', watermark, { tick, holder }, `${schedule} did not move to the tick that was fired`);
    this.#options.onFired(schedule, previous, tick, now);
    if (holder !== null) return;
    if (truth.jobs.has(job.id)) throw new Violation('I6', `the tick ${tick} of ${schedule} was fired twice`);
    if (job.unique !== '') truth.unique.set(job.unique, job.id);
    truth.jobs.set(job.id, job);
  }

  /** An older request changes nothing: a late pause would stop for good what was resumed. */
  #setPaused({ paused, version }: PauseRequest, reply: QueuePause, now: EpochMs): void {
    const { pause } = this.truth;
    if (version > pause.version)
      this.truth.pause = { version, pausedAt: paused ? (pause.pausedAt ?? now) : null };
    same('P4', reply, this.truth.pause, 'the queue is paused otherwise');
  }

  /** The session if it may act now, null if it must hear that it is lost. */
  #standing(daemon: string, status: string): TrueSession | null {
    const session = this.truth.sessions.get(daemon);
    const live = session?.state === 'live';
    if (live && status === 'lost')
      throw new Violation('I3', `${daemon} was refused although its lease was not taken`);
    if (!live && status !== 'lost')
      throw new Violation('I5', `${daemon} was accepted although its lease is gone`);
    return live ? (session ?? null) : null;
  }

  #inFlight(daemon: string): string[] {
    const tokens: string[] = [];
    for (const { place } of this.truth.jobs.values()) {
      if (place.at === 'in_flight' && place.daemon === daemon) tokens.push(place.token);
    }
    return sorted(tokens);
  }
}

const byName = (a: readonly unknown[], b: readonly unknown[]): number =>
  String(a[0]) < String(b[0]) ? -1 : 1;

/** A suspect ran alone: the loss of its daemon is its own crash. */
function countLoss(job: TrueJob): void {
  if (isSuspect(job)) job.crashes += 1;
  else job.recoveries += 1;
}
