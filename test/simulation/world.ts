import { createHash } from 'node:crypto';
import { BrokerError } from '../../src/broker/broker-error.ts';
import type { EpochMs } from '../../src/lib/clock.ts';
import type { Delivery } from '../../src/pool/pool.ts';
import type { Schedule } from '../../src/scheduler/schedule.ts';
import { leaseTiming } from '../../src/supervisor/lease-timing.ts';
import { Conduct } from './conduct.ts';
import type { Dice } from './dice.ts';
import type { Climate, Fault } from './faults.ts';
import { Ledger } from './ledger.ts';
import { ATTEMPT_IN_PEACE, attempt, schedulesFor } from './load.ts';
import { Machine, START } from './machine.ts';
import { type Arrival, type Executed, Network } from './network.ts';
import { Operator } from './operator.ts';
import { Oracle, type Taken } from './oracle.ts';
import { Producer } from './producer.ts';
import { brokerOf } from './sim-broker.ts';
import { SimDaemon } from './sim-daemon.ts';
import { type Attempt, SimPool } from './sim-pool.ts';
import type { Call, Mortal, SimStore } from './sim-store.ts';
import { Timeline } from './timeline.ts';
import { Violation } from './truth.ts';
import { Wakes } from './wakes.ts';
import { Watch } from './watch.ts';

/** Everything that is simulated around one store, and what is known of it. */
export class World {
  readonly timeline = new Timeline();
  readonly dice: Dice;
  readonly climate: Climate;
  readonly store: SimStore;
  readonly network: Network;
  readonly ledger = new Ledger();
  readonly oracles: ReadonlyMap<string, Oracle>;
  /** By place: a daemon that died is followed by another in its place. */
  readonly daemons: SimDaemon[] = [];
  producers: Producer[] = [];
  peaceful = false;
  hasRoom = true;
  /** A snapshot was taken that has not been gone back to. */
  rollbackAhead = false;
  /** The exchanges that were carried out since. */
  readonly sinceSnapshot: Arrival[] = [];
  /** The next answer to such a call stops whom it is for. */
  stopAhead: (Fault & { type: 'stopAt' }) | null = null;
  /** The next call kills the store. */
  deathAhead: (Fault & { type: 'kill' }) | null = null;
  operations = 0;
  reclaims = 0;
  violation: Violation | null = null;
  /** True times; see Excuses. */
  storeSetBackAt = Number.NEGATIVE_INFINITY;
  clockAheadAt = Number.NEGATIVE_INFINITY;
  #brokerOffset = 0;
  #highestOffset = 0;
  /** The latest of the broker's times at which a call was carried out. */
  #highestSeen: EpochMs = 0;
  #stoodAt = Number.NEGATIVE_INFINITY;
  #longPauseEndedAt = Number.NEGATIVE_INFINITY;
  #roomAhead = false;
  #arrival: Arrival | null = null;
  #born = 0;
  readonly #onNote: (line: string) => void;
  readonly #wakes: Wakes;
  readonly #hash = createHash('sha256');
  readonly #poison = new Set<string>();
  /** By session: how it was opened. */
  readonly #opened = new Map<string, Arrival>();
  /** Whether a job is fragile. */
  readonly #fragile = new Map<string, boolean>();
  readonly #schedules: readonly Schedule[];

  constructor(dice: Dice, climate: Climate, store: SimStore, onNote: (line: string) => void) {
    this.#onNote = onNote;
    this.dice = dice;
    this.climate = climate;
    this.store = store;
    this.#schedules = climate.schedules ? schedulesFor(climate.queues) : [];
    this.network = new Network({
      timeline: this.timeline,
      dice: dice.fork(),
      callDeadlineMs: 2_000,
      execute: (arrival) => this.#execute(arrival),
      onSend: (arrival) => this.#sent(arrival),
      // What a late one brings back nobody would run any more.
      isLost: ({ call }) => this.peaceful && call.verb === 'retry',
    });
    this.#wakes = new Wakes(this.timeline, (machine) => this.network.isCut(machine));
    new Watch(this).start();
    this.oracles = new Map(
      climate.queues.map((queue) => [
        queue,
        new Oracle({
          queue,
          onTaken: (taken) => this.#taken(taken),
          hasRoom: () => this.hasRoom,
          onFired: (schedule, previous, tick, now) => this.#fired(schedule, previous, tick, now),
          // Redis remembers it with each queue, the embedded store once.
          highestElsewhere: () => (isMortal(this.store) ? this.#highestSeen : 0),
        }),
      ]),
    );
  }

  brokerNow(): EpochMs {
    return Math.floor(START + this.timeline.now + this.#brokerOffset);
  }

  /** What happened, in one text: the same for the same seed. */
  get digest(): string {
    return this.#hash.copy().digest('hex');
  }

  note(text: string): void {
    const line = `${this.timeline.now.toFixed(3).padStart(11)} ${text}`;
    this.#hash.update(line);
    this.#onNote(line);
  }

  /** Runs what may find a violation; the first one ends the simulation. */
  judge(check: () => void): void {
    if (this.violation !== null) return;
    try {
      check();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.violation = error;
      this.note(`VIOLATION ${error.message}`);
    }
  }

  // ------------------------------------------------------------------------------------------------ processes

  startDaemon(place: number, predecessor: SimDaemon | null = null): void {
    const { climate, timeline } = this;
    // Two faults may both have planned for a successor.
    if ((this.daemons[place]?.machine.state ?? 'dead') !== 'dead') return;
    const machine = new Machine(`daemon-${place}.${++this.#born}`, timeline, this.dice.fork());
    this.note(
      `${machine.name} starts${predecessor === null ? '' : `, ${predecessor.machine.name} is proven dead`}`,
    );
    const pool = new SimPool({
      machine,
      timeline,
      queues: climate.queues,
      slots: climate.slots,
      onStart: (delivery, of) => this.#runs(delivery, of, machine, place),
      onOutlived: (token) => this.ledger.outlive(token),
      onEnd: (token) => this.ledger.end(token, machine),
    });
    const conduct = new Conduct();
    const listener = {
      sends: (call: Call) => this.judge(() => conduct.sends(call)),
      hears: (call: Call, reply: unknown) => conduct.hears(call, reply),
    };
    const daemon = new SimDaemon({
      machine,
      broker: brokerOf(machine, this.network, this.#wakes, listener, this.store.type === 'redis'),
      pool,
      leaseMs: climate.leaseMs,
      heartbeatMs: climate.heartbeatMs,
      schedules: this.peaceful ? [] : this.#schedules,
      onSession: (queue, id) => this.note(`${machine.name} is ${id} on ${queue}`),
      predecessor:
        predecessor === null
          ? null
          : { bootId: '', lock: '', run: '', pid: 0, sessions: { ...predecessor.sessions } },
    });
    this.daemons[place] = daemon;
    void daemon.supervisor.start();
  }

  /** SIGKILL: its children go with it, what it has sent is on its way. */
  killDaemon(place: number): SimDaemon | null {
    const daemon = this.daemons[place];
    if (daemon === undefined || daemon.machine.state === 'dead') return null;
    this.note(`${daemon.machine.name} dies`);
    daemon.machine.die();
    this.#wakes.forget(daemon.machine);
    daemon.pool.die();
    return daemon;
  }

  startProducer(): void {
    const machine = new Machine(`producer-${++this.#born}`, this.timeline, this.dice.fork());
    const { queues, enqueueTimeoutMs: timeoutMs } = this.climate;
    const broker = brokerOf(machine, this.network, this.#wakes);
    this.producers.push(new Producer({ machine, broker, queues, timeoutMs, ledger: this.ledger }));
  }

  #runs(delivery: Delivery, pool: SimPool, machine: Machine, place: number): Attempt {
    this.note(`${machine.name} runs ${delivery.token}${delivery.alone ? ' alone' : ''}`);
    const truth = this.#oracle(delivery.queue).truth;
    const session = this.daemons[place]?.sessions[delivery.queue] ?? '';
    const { leaseMs, heartbeatMs } = this.climate;
    const { fenceAfterMs } = leaseTiming(leaseMs, heartbeatMs);
    const excuses = { clockAheadAt: this.clockAheadAt, leaseMs, fenceAfterMs };
    this.judge(() => {
      this.ledger.start(delivery, machine, session, this.timeline.now, truth, excuses);
      const others = [...pool.running.values()].filter(({ token }) => token !== delivery.token);
      if (others.length > 0 && (delivery.alone || others.some(({ alone }) => alone)))
        throw new Violation('I7', `${delivery.token} runs beside others, and one of them is a suspect`);
    });
    if (this.peaceful) return ATTEMPT_IN_PEACE;
    if (this.climate.poison && this.#poison.size === 0 && machine.dice.chance(0.1))
      this.#poison.add(delivery.id);
    if (this.#isFragile(delivery.id, machine) && !delivery.alone)
      return { runMs: 300, outcome: { type: 'lost', error: { name: 'Error', message: 'with others' } } };
    if (!this.#poison.has(delivery.id)) return attempt(machine.dice, delivery);
    if (delivery.alone)
      return { runMs: 5, outcome: { type: 'crashed', error: { name: 'Error', message: 'poison' } } };
    this.timeline.after(5, () => {
      if (machine.state === 'dead') return;
      this.killDaemon(place);
      this.timeline.after(1_000, () => this.startDaemon(place));
    });
    return { runMs: 1_000, outcome: { type: 'completed' } };
  }

  #isFragile(id: string, { dice }: Machine): boolean {
    if (!this.climate.fragile) return false;
    const known = this.#fragile.get(id) ?? dice.chance(0.05);
    this.#fragile.set(id, known);
    return known;
  }

  /** Somebody looks and does something. */
  operate(): void {
    const machine = new Machine('operator', this.timeline, this.dice.fork());
    const broker = brokerOf(machine, this.network, this.#wakes);
    const isOver = () => this.peaceful;
    void new Operator({ machine, broker, queues: this.climate.queues, isOver }).act();
  }

  /** An operator's command; sent once, and heard of or not. `ahead`: of versions that still lie on the wire. */
  async setPaused(queue: string, paused: boolean, ahead = 0): Promise<void> {
    const machine = new Machine('operator', this.timeline, this.dice.fork());
    const version = this.#oracle(queue).truth.pause.version + 1 + ahead;
    await brokerOf(machine, this.network, this.#wakes)
      .setPaused(queue, { paused, version })
      .catch(() => {});
  }

  /** The owner of a lease that is about to be taken comes back, often at this very moment. */
  #sent({ call }: Arrival): number {
    if (call.verb !== 'reclaim' || this.peaceful || !this.dice.chance(0.4)) return 0;
    return this.#comeBack(call.queue, call.argument.daemon) ? this.dice.between(0, 800) : 0;
  }

  #comeBack(queue: string, daemon: string): boolean {
    const owner = this.daemons.find(({ sessions }) => sessions[queue] === daemon);
    if (owner === undefined || owner.machine.state === 'dead') return false;
    this.note(`${owner.machine.name} comes back while its lease is being taken`);
    this.network.uncut(owner.machine);
    this.timeline.after(this.dice.between(0, 20), () => owner.machine.continue());
    return true;
  }

  // --------------------------------------------------------------------------------------------------- broker

  jumpBroker(byMs: number): void {
    this.note(`the broker's clock jumps by ${byMs} ms`);
    this.#brokerOffset += byMs;
    this.#highestOffset = Math.max(this.#highestOffset, this.#brokerOffset);
    if (byMs > 0) this.clockAheadAt = this.timeline.now;
  }

  /** As far ahead as it ever was: what was delayed by then is due soon. */
  mendClock(): void {
    if (this.#brokerOffset < this.#highestOffset) this.jumpBroker(this.#highestOffset - this.#brokerOffset);
  }

  standBroker(forMs: number): void {
    if (this.network.isStanding) return;
    this.note(`the broker stands still for ${forMs.toFixed(0)} ms`);
    this.#stoodAt = this.timeline.now;
    this.network.stand();
    this.timeline.after(forMs, () => this.continueBroker());
  }

  async continueBroker(): Promise<void> {
    if (!this.network.isStanding) return;
    this.note('the broker goes on');
    // So long that no sweeper can overlook it, were it itself stopped meanwhile.
    const { gapMs } = leaseTiming(this.climate.leaseMs, this.climate.heartbeatMs);
    if (this.timeline.now - this.#stoodAt > gapMs) this.#longPauseEndedAt = this.timeline.now;
    await this.network.go();
  }

  async setRoom(hasRoom: boolean): Promise<void> {
    this.#roomAhead = false;
    this.note(hasRoom ? 'the store has room again' : 'the store is full');
    // An embedded store sees at a sweep that it has room again.
    if (!hasRoom || this.store.type === 'redis') this.hasRoom = hasRoom;
    else this.#roomAhead = true;
    await this.store.setFull(!hasRoom);
  }

  async #execute(arrival: Arrival): Promise<Executed> {
    const { from, call } = arrival;
    const now = this.brokerNow();
    if (isMortal(this.store) && this.#diesIn(call)) return this.#dieIn(this.store, arrival, now);
    const effect = await this.store.execute(call, now);
    this.operations += 1;
    this.#highestSeen = Math.max(this.#highestSeen, now);
    const { reply, error } = effect;
    this.note(
      `${from.name} ${call.verb} ${call.queue} ${brief(call.argument)} → ${error === null ? brief(reply) : error.message}`,
    );
    this.#arrival = arrival;
    if (this.#roomAhead && call.verb === 'sweep' && error === null) {
      this.#roomAhead = false;
      this.hasRoom = true;
    }
    this.judge(() => this.#oracle(call.queue).check(call, effect, now, this.timeline.now));
    this.#noteTime(now);
    this.#noteRenewal(call);
    if (error === null) this.#openAgain(arrival, reply);
    if (this.rollbackAhead && call.verb === 'exchange') this.sinceSnapshot.push(arrival);
    if (!this.peaceful && error === null) this.#strikeAt(arrival, reply);
    if (effect.awake && this.#wakes.wake(call.queue)) await this.store.takeWake(call.queue);
    return { reply, error };
  }

  /** An embedded store remembers one highest time for all its queues. */
  #noteTime(now: EpochMs): void {
    if (this.store.type === 'redis') return;
    for (const { truth } of this.oracles.values()) truth.highest = Math.max(truth.highest, now);
  }

  #noteRenewal({ queue, argument }: Call): void {
    const { daemon } = (argument ?? {}) as { daemon?: string };
    const session = daemon === undefined ? undefined : this.#oracle(queue).truth.sessions.get(daemon);
    if (daemon !== undefined && session !== undefined) this.ledger.renew(daemon, session.renewedAt);
  }

  /** Of a session that was taken a copy of its opening may still be under way. When it comes the id itself says: no dice. */
  #openAgain(arrival: Arrival, reply: unknown): void {
    const { call } = arrival;
    if (call.verb === 'open') this.#opened.set(call.argument.daemon, arrival);
    if (call.verb !== 'reclaim' || this.peaceful) return;
    const { status, more } = reply as { status: string; more?: boolean };
    const opening = this.#opened.get(call.argument.daemon);
    if (status !== 'reclaimed' || more !== false || opening === undefined) return;
    this.network.repeat(opening, Number.parseInt(call.argument.daemon.slice(-4), 16) % 20_000);
  }

  /** Faults that wait for their moment. */
  #strikeAt({ from, call }: Arrival, reply: unknown): void {
    const { status, more, jobs } = (reply ?? {}) as { status?: string; more?: boolean; jobs?: unknown[] };
    const daemon = this.daemons.find(({ machine }) => machine === from);
    if (daemon === undefined || from.state !== 'awake') return;
    if (call.verb === this.stopAhead?.verb && (call.verb !== 'exchange' || (jobs ?? []).length > 0)) {
      const { forMs } = this.stopAhead;
      this.stopAhead = null;
      this.stop(from, forMs);
    }
    // Its lease half taken, the owner is back: nobody but another sweeper will go on with it.
    if (call.verb === 'reclaim' && status === 'reclaimed' && more === true && this.dice.chance(0.7)) {
      this.stop(from, this.dice.between(3_000, 20_000));
      this.#comeBack(call.queue, call.argument.daemon);
    }
  }

  stop(machine: Machine, forMs: number): void {
    this.note(`${machine.name} is stopped for ${forMs.toFixed(0)} ms`);
    machine.stop();
    this.timeline.after(forMs, () => {
      this.note(`${machine.name} is continued`);
      return machine.continue();
    });
  }

  /** A sync fails in an enqueue: of others nobody knows what they would have done, when there is no answer. */
  #diesIn({ verb }: Call): boolean {
    return this.deathAhead !== null && (this.deathAhead.death !== 'sync' || verb === 'enqueue');
  }

  /** The store dies in a call and comes back: what the call did is there whole or not at all, all else is there. */
  async #dieIn(store: SimStore & Mortal, { from, call }: Arrival, now: EpochMs): Promise<Executed> {
    const { death, daemons, forMs } = this.deathAhead as Fault & { type: 'kill' };
    this.deathAhead = null;
    const oracle = this.#oracle(call.queue);
    const without = structuredClone(oracle.truth);
    const effect = await store.dieIn(call, now, death);
    this.operations += 1;
    this.note(`${from.name} ${call.verb} ${call.queue} ${brief(call.argument)} → the store dies (${death})`);
    this.judge(() => oracle.checkUnanswered(call, effect, now, this.timeline.now));
    for (const other of this.oracles.values()) {
      this.ledger.forget(other.truth);
      other.restarted();
    }
    this.ledger.forget(without);
    this.storeSetBackAt = this.timeline.now;
    const image = await store.image(call.queue, now);
    this.judge(() => {
      if (!store.isSound) throw new Violation('P1', 'the file is damaged');
      oracle.settleOn(image, without, now);
    });
    if (daemons) this.#restartDaemons(forMs);
    return { reply: null, error: new BrokerError('unknown', 'the store has ended') };
  }

  #restartDaemons(forMs: number): void {
    for (const place of this.daemons.keys()) {
      if (this.killDaemon(place) !== null) this.timeline.after(forMs, () => this.startDaemon(place));
    }
  }

  #oracle(queue: string): Oracle {
    return this.oracles.get(queue) as Oracle;
  }

  /** I3, P5: nobody who renews is robbed, and nobody who had no chance to. */
  #taken({ daemon, session, began, proven, tokens }: Taken): void {
    this.reclaims += began ? 1 : 0;
    this.ledger.take(tokens);
    if (!began || proven) return;
    const { now } = this.timeline;
    const { graceMs } = leaseTiming(this.climate.leaseMs, this.climate.heartbeatMs);
    const age = now - session.renewedAt;
    if (age < graceMs)
      throw new Violation('I3', `${daemon} renewed its lease ${age.toFixed(0)} ms ago, and it was taken`);
    const sentAt = this.#arrival?.sentAt ?? 0;
    if (sentAt >= this.#longPauseEndedAt && now - this.#longPauseEndedAt < graceMs)
      throw new Violation(
        'P5',
        `${daemon} had no time to renew since the broker goes on, and its lease was taken`,
      );
  }

  /** I6: with `missed: all` the very next tick, with `once` the last that is due; beyond a hundred the latest. */
  #fired(name: string, previous: EpochMs, tick: EpochMs, now: EpochMs): void {
    const schedule = this.#schedules.find((one) => one.name === name);
    if (schedule === undefined) throw new Violation('I6', `there is no schedule ${name}`);
    const next = schedule.ticks.next(previous) ?? 0;
    const every = schedule.everyMs ?? 1;
    if (tick % every !== 0 || tick < next)
      throw new Violation('I6', `${tick} is no tick of ${name} after ${previous}`);
    // A daemon may have counted what was due before the broker's clock was set back.
    const latest = now + this.#highestOffset - this.#brokerOffset;
    if (schedule.missed === 'all' && tick !== next && latest - previous < 90 * every)
      throw new Violation('I6', `${name} went from ${previous} to ${tick} past ${next}`);
  }
}

const isMortal = (store: SimStore): store is SimStore & Mortal => 'dieIn' in store;

/** Short enough to read, long enough to tell two histories apart. */
function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length})` : text;
}
