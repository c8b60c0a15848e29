import { createHash } from 'node:crypto';
import type { EpochMs } from '../../src/lib/clock.ts';
import type { Delivery } from '../../src/pool/pool.ts';
import type { Schedule } from '../../src/scheduler/schedule.ts';
import { leaseTiming } from '../../src/supervisor/lease-timing.ts';
import type { Dice } from './dice.ts';
import type { Climate } from './faults.ts';
import { Ledger } from './ledger.ts';
import { ATTEMPT_IN_PEACE, attempt, schedulesFor } from './load.ts';
import { Machine, START } from './machine.ts';
import { type Arrival, type Executed, Network } from './network.ts';
import { Oracle, type Taken } from './oracle.ts';
import { Producer } from './producer.ts';
import { brokerOf } from './sim-broker.ts';
import { SimDaemon } from './sim-daemon.ts';
import { type Attempt, SimPool } from './sim-pool.ts';
import type { SimStore } from './sim-store.ts';
import { Timeline } from './timeline.ts';
import { Violation } from './truth.ts';
import { Wakes } from './wakes.ts';

/** A pause of the broker that no sweeper can overlook. */
const LONG_PAUSE_MS = 10_000;

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
  operations = 0;
  reclaims = 0;
  violation: Violation | null = null;
  /** True times; see Excuses. */
  storeSetBackAt = Number.NEGATIVE_INFINITY;
  clockAheadAt = Number.NEGATIVE_INFINITY;
  #brokerOffset = 0;
  #highestOffset = 0;
  #stoodAt = Number.NEGATIVE_INFINITY;
  #longPauseEndedAt = Number.NEGATIVE_INFINITY;
  #arrival: Arrival | null = null;
  #born = 0;
  readonly #onNote: (line: string) => void;
  readonly #wakes: Wakes;
  readonly #hash = createHash('sha256');
  readonly #poison = new Set<string>();
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
    });
    this.#wakes = new Wakes(this.timeline, (machine) => this.network.isCut(machine));
    this.oracles = new Map(
      climate.queues.map((queue) => [
        queue,
        new Oracle({
          queue,
          onTaken: (taken) => this.#taken(taken),
          hasRoom: () => this.hasRoom,
          onFired: (schedule, previous, tick, now) => this.#fired(schedule, previous, tick, now),
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
      onEnd: (token) => this.ledger.end(token, machine),
    });
    const daemon = new SimDaemon({
      machine,
      broker: brokerOf(machine, this.network, this.#wakes),
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
    this.judge(() => {
      this.ledger.start(delivery, machine, this.timeline.now, truth, this, this.climate.leaseMs);
      if (delivery.alone && pool.inFlight > 1)
        throw new Violation('I7', `the suspect ${delivery.token} runs beside others`);
    });
    if (this.peaceful) return ATTEMPT_IN_PEACE;
    if (this.climate.poison && this.#poison.size === 0 && machine.dice.chance(0.1))
      this.#poison.add(delivery.id);
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
    if (this.timeline.now - this.#stoodAt >= LONG_PAUSE_MS) this.#longPauseEndedAt = this.timeline.now;
    await this.network.go();
  }

  async setRoom(hasRoom: boolean): Promise<void> {
    this.note(hasRoom ? 'the store has room again' : 'the store is full');
    this.hasRoom = hasRoom;
    await this.store.setFull(!hasRoom);
  }

  async #execute(arrival: Arrival): Promise<Executed> {
    const { from, call } = arrival;
    const now = this.brokerNow();
    const effect = await this.store.execute(call, now);
    this.operations += 1;
    const { reply, error } = effect;
    this.note(
      `${from.name} ${call.verb} ${call.queue} ${brief(call.argument)} → ${error === null ? brief(reply) : error.message}`,
    );
    this.#arrival = arrival;
    this.judge(() => this.#oracle(call.queue).check(call, effect, now, this.timeline.now));
    if (effect.awake && this.#wakes.wake(call.queue)) await this.store.takeWake(call.queue);
    return { reply, error };
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
    if (schedule.missed === 'all' && tick !== next && now - previous < 90 * every)
      throw new Violation('I6', `${name} went from ${previous} to ${tick} past ${next}`);
  }
}

/** Short enough to read, long enough to tell two histories apart. */
function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 400 ? `${text.slice(0, 400)}… (${text.length})` : text;
}
