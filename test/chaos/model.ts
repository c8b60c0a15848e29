/**
 * What Redis must hold, followed call by call: each answer is compared with what the calls before allow. Where Redis was
 * lost in the middle of a call its effect is unknown, and what it touched is not judged until a later answer tells.
 */

import { SUSPECT_RECOVERIES } from '../../src/broker/messages/exchange.ts';
import type { Call, EnqueuedJob, ExchangeCall } from './calls.ts';
import type { Report } from './violations.ts';

export interface ModelJob {
  readonly id: string;
  readonly queue: string;
  readonly tag: string | null;
  readonly unique: string | null;
  readonly keepResult: boolean;
  /** `maybe`: its enqueue was not answered. */
  place: 'maybe' | 'waiting' | 'in_flight' | 'ended';
  end: 'ack' | 'dead' | 'dropped' | null;
  token: string | null;
  claims: number;
  recoveries: number;
  /** A call whose end is unknown may have moved it. */
  unsure: boolean;
}

interface ModelDaemon {
  readonly id: string;
  state: 'open' | 'taken' | 'closed';
  readonly lanes: [number, number];
  readonly voided: [boolean, boolean];
  readonly inFlight: Set<string>;
  /** When the call that renewed it last was sent. */
  renewedAt: number;
  /** Exchanges whose end is unknown, `lane:number`. */
  readonly open: Set<string>;
  unsure: boolean;
}

interface State {
  readonly jobs: Map<string, ModelJob>;
  readonly daemons: Map<string, ModelDaemon>;
  readonly batches: Set<string>;
  readonly unique: Map<string, string>;
  /** Where each may stand: of a call without an answer nobody knows whether it was carried out. */
  readonly ticks: Map<string, readonly number[]>;
}

const emptyState = (): State => ({
  jobs: new Map(),
  daemons: new Map(),
  batches: new Set(),
  unique: new Map(),
  ticks: new Map(),
});

/** How a delivery ceased to be in flight. */
export interface Leave {
  readonly how: 'settled' | 'reclaimed' | 'proven' | 'lost';
  readonly type: string;
  readonly count: string;
  readonly t: number;
}

export class Model {
  readonly #report: Report;
  readonly #leaseMs: number;
  #state: State = emptyState();
  #snapshot: State = emptyState();
  /** Every delivery that was claimed for certain, and how it left. */
  readonly claimed = new Map<string, number>();
  readonly left = new Map<string, Leave>();
  /** Jobs that were known when Redis lost them. */
  readonly waived = new Set<string>();
  /** Ids that were stored by calls that were answered. */
  readonly stored = new Set<string>();
  rollbacks = 0;
  /** Takings of leases that nobody proved dead. */
  readonly reclaims: { readonly daemon: string; readonly t: number; readonly renewedAt: number }[] = [];

  constructor(leaseMs: number, report: Report) {
    this.#leaseMs = leaseMs;
    this.#report = report;
  }

  get jobs(): ReadonlyMap<string, ModelJob> {
    return this.#state.jobs;
  }

  /** Deliveries that Redis must have in flight, of daemons about which everything is known. */
  get inFlight(): ReadonlySet<string> {
    const all = new Set<string>();
    for (const { state, inFlight } of this.#state.daemons.values())
      if (state === 'open') for (const token of inFlight) all.add(token);
    return all;
  }

  snapshot(): void {
    this.#snapshot = structuredClone(this.#state);
  }

  rollback(to: 'snapshot' | 'nothing', t: number): void {
    const before = this.#state;
    this.#state = to === 'nothing' ? emptyState() : structuredClone(this.#snapshot);
    this.rollbacks++;
    for (const [id, job] of before.jobs) {
      const now = this.#state.jobs.get(id);
      if (now === undefined && job.end === null) this.waived.add(id);
      if (job.token !== null && now?.token !== job.token)
        this.#leave(job.token, { how: 'lost', type: '', count: '', t });
    }
  }

  apply(call: Call, sent: number, t: number): void {
    if (call.error !== undefined) {
      if (!REFUSED.test(call.error)) this.#report('I4', t, `${call.verb} failed inside Redis: ${call.error}`);
      return;
    }
    switch (call.verb) {
      case 'enqueue':
        this.#enqueue(call, t);
        break;
      case 'open':
        this.#open(call, sent);
        break;
      case 'exchange':
        this.#exchange(call, sent, t);
        break;
      case 'heartbeat':
        this.#heartbeat(call, sent, t);
        break;
      case 'resync':
        this.#resync(call, sent, t);
        break;
      case 'close':
        this.#close(call, t);
        break;
      case 'reclaim':
        this.#reclaim(call, t);
        break;
      case 'watermark':
        if (call.reply !== undefined)
          this.#state.ticks.set(`${call.queue}/${call.schedule}`, [call.reply.tick]);
        break;
      case 'fire':
        this.#fire(call, t);
        break;
      default:
    }
  }

  #enqueue(call: Call & { verb: 'enqueue' }, t: number): void {
    const { reply, batch, jobs, queue } = call;
    if (reply?.status === 'late') return;
    const repeated = this.#state.batches.has(batch);
    // Also of a call whose answer nobody saw: it may have been carried out, and its jobs have run, before it is repeated.
    this.#state.batches.add(batch);
    for (const [index, job] of jobs.entries()) {
      const holder = reply?.existing[index] ?? null;
      const known = this.#state.jobs.get(job.id);
      if (reply === undefined) {
        if (known === undefined) this.#add(job, queue, 'maybe');
      } else if (holder !== null) {
        this.#held(job, holder, queue, t);
      } else {
        this.stored.add(job.id);
        if (known?.place === 'maybe') known.place = 'waiting';
        else if (known === undefined) {
          if (repeated) this.#report('I4', t, `a repeat of batch ${batch} stored job ${job.id}`);
          this.#add(job, queue, 'waiting', t);
        } else if (!repeated && !known.unsure) {
          this.#report('I4', t, `job ${job.id} was stored twice, the second time by batch ${batch}`);
        }
      }
    }
  }

  /** Nothing was stored, for another job has the key. */
  #held(job: EnqueuedJob, holder: string, queue: string, t: number): void {
    const live = this.#state.jobs.get(holder);
    if (this.#state.jobs.has(job.id)) return;
    const gone =
      live === undefined
        ? !this.waived.has(holder) && this.rollbacks === 0
        : live.place === 'ended' && !live.unsure;
    // A repeat is answered as the first call was, though the holder may have ended meanwhile.
    if (gone && !this.#everHeld(holder, queue, job.unique))
      this.#report('I12', t, `unique key ${job.unique} is held by ${holder}, which does not live`);
  }

  #everHeld(holder: string, queue: string, unique: string | null): boolean {
    const job = this.#state.jobs.get(holder);
    return job !== undefined && job.queue === queue && job.unique === unique;
  }

  #add(job: EnqueuedJob, queue: string, place: 'maybe' | 'waiting', t = 0): void {
    this.#state.jobs.set(job.id, {
      ...job,
      queue,
      place,
      end: null,
      token: null,
      claims: 0,
      recoveries: 0,
      unsure: place === 'maybe',
    });
    if (job.unique === null) return;
    const key = `${queue}/${job.unique}`;
    const other = this.#state.jobs.get(this.#state.unique.get(key) ?? '');
    if (place === 'waiting' && other !== undefined && other.place !== 'ended' && !other.unsure)
      this.#report('I13', t, `job ${job.id} was stored though ${other.id} holds its key ${job.unique}`);
    this.#state.unique.set(key, job.id);
  }

  #open(call: Call & { verb: 'open' }, sent: number): void {
    if (call.reply === 'refused') return;
    const known = this.#daemon(call);
    if (known !== undefined) return;
    this.#state.daemons.set(`${call.queue}/${call.daemon}`, {
      id: call.daemon,
      state: 'open',
      lanes: [0, 0],
      voided: [false, false],
      inFlight: new Set(),
      renewedAt: sent,
      open: new Set(),
      unsure: call.reply === undefined,
    });
  }

  #exchange(call: ExchangeCall, sent: number, t: number): void {
    const daemon = this.#daemon(call);
    const { reply, lane, number } = call;
    if (reply === undefined) {
      this.#maybeExchanged(call, daemon);
      return;
    }
    if (!this.#judgeStanding(call, daemon, reply.status === 'lost', t) || daemon === undefined) return;
    const last = daemon.lanes[lane] as number;
    const expected =
      number > last + 1
        ? 'gap'
        : number < last || (number === last && daemon.voided[lane])
          ? 'stale'
          : 'done';
    const certain = daemon.open.size === 0 && !daemon.unsure;
    if (certain && reply.status !== expected)
      this.#report(
        'I4',
        t,
        `exchange ${number} of lane ${lane} after ${last} was answered ${reply.status}, not ${expected}`,
      );
    if (reply.status !== 'done') return;
    const replay = number === last && !daemon.open.has(`${lane}:${number}`);
    daemon.renewedAt = sent;
    if (replay) {
      const strange = reply.claimed.filter((token) => !daemon.inFlight.has(token));
      if (certain && strange.length > 0) this.#report('I4', t, `a replay claimed ${strange.join(' ')} anew`);
      return;
    }
    daemon.lanes[lane] = number;
    daemon.voided[lane] = false;
    this.#settle(call, daemon, reply, certain, t);
    for (const id of reply.dropped) this.#end(id, 'dropped');
    for (const token of reply.claimed) this.#claim(token, daemon, t);
    daemon.open.delete(`${lane}:${number}`);
  }

  #maybeExchanged(call: ExchangeCall, daemon: ModelDaemon | undefined): void {
    // One that has been answered before has no effect any more, whether or not its repeat was carried out.
    if (daemon === undefined || call.number <= (daemon.lanes[call.lane] as number)) return;
    daemon.open.add(`${call.lane}:${call.number}`);
    for (const token of [...call.acks, ...call.others.map((one) => one.token)]) {
      const job = this.#jobOf(token);
      if (job?.token === token) job.unsure = true;
    }
  }

  #settle(call: ExchangeCall, daemon: ModelDaemon, reply: Done, certain: boolean, t: number): void {
    let refusedAcks = 0;
    for (const token of call.acks) {
      if (this.#leaveBySettling(daemon, { type: 'ack', token, count: 'none' }, t)) continue;
      refusedAcks++;
    }
    if (certain && refusedAcks !== reply.refusedAcks) {
      const which = reply.refusedAcks < refusedAcks ? 'I2' : 'I3';
      this.#report(
        which,
        t,
        `of ${call.acks.join(' ')} ${reply.refusedAcks} were refused, expected ${refusedAcks}`,
      );
    }
    const refused = new Set(reply.refused);
    for (const one of call.others) {
      const held = daemon.inFlight.has(one.token);
      if (certain && held === refused.has(one.token)) {
        const [invariant, what] = held
          ? (['I3', 'refused though it was in flight'] as const)
          : (['I5', 'accepted though it was not in flight'] as const);
        this.#report(invariant, t, `the ${one.type} of ${one.token} was ${what}`);
      }
      if (!refused.has(one.token)) this.#leaveBySettling(daemon, one, t);
    }
  }

  /** False when the daemon does not hold the delivery. */
  #leaveBySettling(
    daemon: ModelDaemon,
    { type, token, count }: { type: string; token: string; count: string },
    t: number,
  ): boolean {
    const job = this.#jobOf(token);
    if (!daemon.inFlight.delete(token)) return false;
    const before = this.left.get(token);
    if (before?.how === 'settled' && this.rollbacks === 0)
      this.#report('I2', t, `${token} was settled twice`);
    this.#leave(token, { how: 'settled', type, count, t });
    if (job === undefined) return true;
    job.token = null;
    job.unsure = false;
    if (count === 'recovery') job.recoveries++;
    if (count === 'failure' || type === 'snooze') job.recoveries = 0;
    if (type === 'ack' || type === 'dead') this.#end(job.id, type);
    else job.place = 'waiting';
    return true;
  }

  #claim(token: string, daemon: ModelDaemon, t: number): void {
    const job = this.#jobOf(token);
    const claims = Number(token.slice(37));
    if (job === undefined) {
      if (this.rollbacks === 0) this.#report('I4', t, `${token} was claimed, but nobody stored the job`);
      daemon.inFlight.add(token);
      return;
    }
    if (job.place === 'ended' && !job.unsure)
      this.#report('I2', t, `${token} was claimed after the job's end (${job.end})`);
    else if (job.place === 'in_flight' && !job.unsure)
      this.#report('I5', t, `${token} was claimed while ${job.token} was in flight`);
    if (claims <= job.claims && !(job.unsure && job.token === token))
      this.#report('I5', t, `${token} was claimed after claim ${job.claims}`);
    else if (claims > job.claims + 1 && !job.unsure)
      this.#report('I5', t, `${token} was claimed after claim ${job.claims}: one is missing`);
    Object.assign(job, { place: 'in_flight', token, claims, unsure: false, end: null });
    daemon.inFlight.add(token);
    this.claimed.set(token, t);
  }

  #heartbeat(call: Call & { verb: 'heartbeat' }, sent: number, t: number): void {
    const daemon = this.#daemon(call);
    const { reply } = call;
    if (reply === undefined) return;
    if (
      !this.#judgeStanding(call, daemon, reply.status === 'lost', t) ||
      daemon === undefined ||
      reply.status === 'lost'
    )
      return;
    daemon.renewedAt = sent;
    if (!daemon.unsure && daemon.open.size === 0 && reply.inFlight !== daemon.inFlight.size)
      this.#report(
        'I12',
        t,
        `${reply.inFlight} in flight of ${call.daemon}, expected ${daemon.inFlight.size}`,
      );
  }

  #resync(call: Call & { verb: 'resync' }, sent: number, t: number): void {
    const daemon = this.#daemon(call);
    const { reply, numbers } = call;
    if (daemon !== undefined && reply === undefined) daemon.unsure = true;
    if (reply === undefined || !this.#judgeStanding(call, daemon, reply.status === 'lost', t)) return;
    if (daemon === undefined || reply.status === 'lost') return;
    daemon.renewedAt = sent;
    for (const lane of [0, 1] as const) {
      const number = numbers[lane] ?? 0;
      if (number > daemon.lanes[lane]) [daemon.lanes[lane], daemon.voided[lane]] = [number, true];
    }
    const theirs = new Set(reply.tokens);
    if (
      !daemon.unsure &&
      daemon.open.size === 0 &&
      (theirs.size !== daemon.inFlight.size || [...theirs].some((token) => !daemon.inFlight.has(token)))
    )
      this.#report(
        'I12',
        t,
        `resync of ${call.daemon} listed ${theirs.size} deliveries, expected ${daemon.inFlight.size}`,
      );
    for (const token of theirs) if (!daemon.inFlight.has(token)) this.#claim(token, daemon, t);
    for (const token of daemon.inFlight) if (!theirs.has(token)) daemon.inFlight.delete(token);
    daemon.unsure = false;
    daemon.open.clear();
  }

  #close(call: Call & { verb: 'close' }, t: number): void {
    const daemon = this.#daemon(call);
    if (daemon === undefined || call.reply === false) return;
    if (call.reply === undefined) {
      daemon.unsure = true;
      return;
    }
    if (!daemon.unsure && daemon.open.size === 0 && daemon.inFlight.size > 0)
      this.#report('I12', t, `the session ${call.daemon} was closed with ${daemon.inFlight.size} in flight`);
    daemon.state = 'closed';
  }

  #reclaim(call: Call & { verb: 'reclaim' }, t: number): void {
    const daemon = this.#daemon(call);
    const { reply, proven } = call;
    if (daemon === undefined || reply?.status === 'alive') return;
    if (reply === undefined) {
      daemon.unsure = true;
      for (const token of daemon.inFlight) {
        const job = this.#jobOf(token);
        if (job !== undefined) job.unsure = true;
      }
      return;
    }
    if (daemon.state === 'open' && !proven && !daemon.unsure) {
      this.reclaims.push({ daemon: call.daemon, t, renewedAt: daemon.renewedAt });
      if (t - daemon.renewedAt < this.#leaseMs - CLOCK_TOLERANCE_MS)
        this.#report(
          'I3',
          t,
          `the lease of ${call.daemon} was taken ${Math.round(t - daemon.renewedAt)} ms after it was renewed`,
        );
    }
    if (daemon.state === 'open') daemon.state = 'taken';
    if (reply.more) return;
    // What exchanges of unknown end have claimed came back as well.
    if (daemon.open.size > 0)
      for (const job of this.#state.jobs.values()) if (job.place === 'waiting') job.unsure = true;
    for (const token of daemon.inFlight) {
      const job = this.#jobOf(token);
      // A suspect ran alone: the loss of its daemon is its own crash.
      const count = job !== undefined && job.recoveries >= SUSPECT_RECOVERIES ? 'crash' : 'recovery';
      this.#leave(token, { how: proven ? 'proven' : 'reclaimed', type: '', count, t });
      if (job?.token !== token) continue;
      if (count === 'recovery') job.recoveries++;
      Object.assign(job, { place: 'waiting', token: null });
    }
    daemon.inFlight.clear();
  }

  #fire(call: Call & { verb: 'fire' }, t: number): void {
    const { reply, schedule, previous, tick, job, queue } = call;
    const name = `${queue}/${schedule}`;
    const standings = this.#state.ticks.get(name);
    if (reply === undefined) {
      // From where the schedule does not stand nothing is fired, whether it arrived or not.
      if (standings !== undefined && !standings.includes(previous)) return;
      this.#state.ticks.set(name, [...(standings ?? (previous === null ? [] : [previous])), tick]);
      if (!this.#state.jobs.has(job.id)) this.#add(job, queue, 'maybe');
      return;
    }
    if (reply.tick === null) this.#state.ticks.delete(name);
    else this.#state.ticks.set(name, [reply.tick]);
    const existing = this.#state.jobs.get(job.id);
    if (reply.tick !== tick) return;
    // It may have stood there before, for all that is known of it, and its job was stored then.
    if (standings?.includes(tick) && existing?.place !== 'maybe') return;
    if (standings !== undefined && !standings.includes(previous))
      this.#report(
        'I6',
        t,
        `tick ${tick} of ${name} was fired from ${previous}, but the schedule stood at ${standings.join(' or ')}`,
      );
    if (reply.holder !== null) return;
    this.stored.add(job.id);
    if (existing?.place === 'maybe') existing.place = 'waiting';
    else if (existing === undefined) this.#add(job, queue, 'waiting', t);
    else if (!existing.unsure) this.#report('I6', t, `tick ${tick} of ${name} was fired twice`);
  }

  /** Whether the daemon may go on, as the model and the answer agree. */
  #judgeStanding(
    call: { daemon: string; verb: string },
    daemon: ModelDaemon | undefined,
    lost: boolean,
    t: number,
  ): boolean {
    if (daemon?.unsure) {
      if (lost) daemon.state = 'taken';
      return !lost;
    }
    const live = daemon?.state === 'open';
    if (lost && live)
      this.#report('I3', t, `${call.verb} of ${call.daemon} was answered lost, but nobody took its lease`);
    if (!lost && !live)
      this.#report('I5', t, `${call.verb} of ${call.daemon} was accepted after its lease was taken`);
    return live && !lost;
  }

  #end(id: string, how: 'ack' | 'dead' | 'dropped'): void {
    const job = this.#state.jobs.get(id);
    if (job === undefined) return;
    Object.assign(job, { place: 'ended', end: how, token: null });
    const key = `${job.queue}/${job.unique}`;
    if (this.#state.unique.get(key) === id) this.#state.unique.delete(key);
  }

  #leave(token: string, leave: Leave): void {
    this.left.set(token, leave);
  }

  #jobOf(token: string): ModelJob | undefined {
    return this.#state.jobs.get(token.slice(0, 36));
  }

  #daemon({ queue, daemon }: { queue: string; daemon: string }): ModelDaemon | undefined {
    return this.#state.daemons.get(`${queue}/${daemon}`);
  }
}

type Done = Extract<NonNullable<ExchangeCall['reply']>, { status: 'done' }>;

const CLOCK_TOLERANCE_MS = 50;
/** Replies that Redis gives before it executes anything. */
const REFUSED = /^(LOADING|READONLY|MASTERDOWN|BUSY|NOREPLICAS|MISCONF|OOM|NOSCRIPT|NOAUTH)/;
