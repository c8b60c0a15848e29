import { Dice } from './dice.ts';
import { EmbeddedStore } from './embedded-store.ts';
import { type Climate, climateOf, type Fault } from './faults.ts';
import { CALM } from './network.ts';
import { RedisStore } from './redis-store.ts';
import type { SimDaemon } from './sim-daemon.ts';
import type { Replicated, SimStore } from './sim-store.ts';
import type { StoreDisk } from './store-disk.ts';
import { type QueueTruth, Violation } from './truth.ts';
import { World } from './world.ts';

export interface Simulated {
  readonly seed: number;
  readonly operations: number;
  readonly reclaims: number;
  readonly overlaps: number;
  readonly violation: Violation | null;
  /** Of everything that happened. */
  readonly digest: string;
}

export interface SimulateOptions {
  readonly seed: number;
  /** The socket of a redis-server that nobody else uses, or the disk of embedded stores. */
  readonly on: string | StoreDisk;
  /** Hears everything that happens. */
  readonly onNote?: (line: string) => void;
}

/** One seed: faults for a while, then peace until everything has ended, then an orderly stop, then the last audit. */
export async function simulate({ seed, on, onNote = () => {} }: SimulateOptions): Promise<Simulated> {
  const dice = new Dice(seed);
  const store =
    typeof on === 'string' ? await RedisStore.open(on, dice.fork()) : new EmbeddedStore(on, dice.fork());
  try {
    const world = new World(dice, climateOf(dice, store.type), store, onNote);
    await history(world, store).catch((error: unknown) => {
      // Met where nobody judged, as by a look at the store.
      if (!(error instanceof Violation)) throw error;
      world.judge(() => {
        throw error;
      });
    });
    const { operations, reclaims, violation, digest } = world;
    return { seed, operations, reclaims, overlaps: world.ledger.overlaps, violation, digest };
  } finally {
    await store.close();
  }
}

async function history(world: World, store: SimStore): Promise<void> {
  const { climate, timeline, dice } = world;
  for (let place = 0; place < climate.daemons; place++) world.startDaemon(place);
  world.startProducer();
  world.startProducer();
  world.network.weather = climate.weather;
  for (let i = 0; i < climate.batches; i++) {
    timeline.at(dice.between(0, climate.durationMs), () => {
      const producer = dice.pick(world.producers);
      if (producer.machine.state === 'awake') producer.enqueue(sizeOf(climate, dice));
    });
  }
  for (let i = 0; i < climate.commands; i++)
    timeline.at(dice.between(5_000, climate.durationMs), () => world.operate());
  for (const fault of climate.faults) timeline.at(fault.at, () => strike(world, store, fault));
  const over = () => world.violation !== null;
  if (await timeline.run(climate.durationMs, over)) return;
  await makePeace(world);
  const limit = timeline.now + 3 * climate.leaseMs + 120_000;
  if (!(await timeline.run(limit, () => over() || isSettled(world)))) {
    world.judge(() => {
      throw new Violation('I9', `not everything has ended: ${unsettled(world)}`);
    });
  }
  if (!over()) await stopAll(world);
}

const sizeOf = ({ largestBatch }: Climate, dice: Dice): number =>
  dice.chance(largestBatch > 100 ? 0.6 : 0.1) ? dice.whole(5, largestBatch) : dice.whole(1, 3);

async function strike(world: World, store: SimStore, fault: Fault): Promise<void> {
  const { dice, timeline, climate } = world;
  const place = dice.whole(0, climate.daemons - 1);
  const daemon = world.daemons[place];
  const machine = daemon?.machine;
  if (daemon === undefined || machine === undefined) return;
  switch (fault.type) {
    case 'crash': {
      const dead = world.killDaemon(place);
      if (dead !== null)
        timeline.after(fault.forMs, () => world.startDaemon(place, fault.proven ? dead : null));
      return;
    }
    case 'stop':
      return world.stop(machine, fault.forMs);
    case 'stopAt':
      world.stopAhead = fault;
      return;
    case 'cut': {
      const whom = dice.chance(0.2) ? dice.pick(world.producers).machine : machine;
      world.note(`${whom.name} is cut off for ${fault.forMs.toFixed(0)} ms`);
      return world.network.cut(whom, fault.forMs);
    }
    case 'brokerStands':
      return world.standBroker(fault.forMs);
    case 'brokerClock':
      world.jumpBroker(fault.byMs);
      if (fault.backAfterMs !== null)
        timeline.after(fault.backAfterMs, () => {
          if (!world.peaceful) world.jumpBroker(-fault.byMs);
        });
      return;
    case 'daemonClock':
      world.note(`the clock of ${machine.name} jumps by ${fault.byMs} ms`);
      machine.wallOffset += fault.byMs;
      return;
    case 'full':
      timeline.after(fault.forMs, () => world.setRoom(true));
      return world.setRoom(false);
    case 'rollback': {
      if (!isReplicated(store) || !world.hasRoom || world.rollbackAhead) return;
      world.rollbackAhead = true;
      world.sinceSnapshot.length = 0;
      await store.snapshot();
      const truths = new Map([...world.oracles].map(([queue, { truth }]) => [queue, structuredClone(truth)]));
      timeline.after(fault.lostMs, () => rollBack(world, store, truths, fault.copies));
      return;
    }
    case 'restart':
      return restart(world, place, fault.forMs);
    case 'pause': {
      const queue = dice.pick(climate.queues);
      void world.setPaused(queue, true);
      timeline.after(fault.forMs, () => void world.setPaused(queue, false));
      return;
    }
    case 'producerDies':
      dice.pick(world.producers).machine.die();
      return world.startProducer();
    case 'kill':
      world.deathAhead = fault;
      return;
  }
}

const isReplicated = (store: SimStore): store is SimStore & Replicated => 'rollback' in store;

async function rollBack(
  world: World,
  store: Replicated,
  truths: ReadonlyMap<string, QueueTruth>,
  copies: boolean,
): Promise<void> {
  world.rollbackAhead = false;
  if (world.peaceful || !world.hasRoom) return;
  world.note('the broker loses what came last');
  await store.rollback();
  for (const [queue, oracle] of world.oracles) {
    const truth = structuredClone(truths.get(queue) as QueueTruth);
    world.ledger.lose(oracle.truth, truth);
    oracle.truth = truth;
  }
  world.storeSetBackAt = world.timeline.now;
  if (copies) repeatWhatWasLost(world);
}

/** What each daemon had sent since arrives again in its order, before anything else of it: the numbers show no gap then. */
function repeatWhatWasLost({ sinceSnapshot, network, dice }: World): void {
  const delays = new Map<unknown, number>();
  for (const arrival of sinceSnapshot) {
    const delay = (delays.get(arrival.from) ?? dice.between(0, 2)) + 0.01;
    delays.set(arrival.from, delay);
    network.repeat(arrival, delay);
  }
}

function restart(world: World, place: number, forMs: number): void {
  const daemon = world.daemons[place];
  if (daemon === undefined || daemon.machine.state !== 'awake') return;
  world.note(`${daemon.machine.name} is told to stop`);
  daemon.isStopping = true;
  daemon.supervisor.signal('SIGTERM');
  void daemon.supervisor.stop().then(() => {
    if (daemon.machine.state === 'dead') return;
    world.note(`${daemon.machine.name} has stopped`);
    daemon.machine.die();
    world.timeline.after(forMs, () => world.startDaemon(place));
  });
}

async function makePeace(world: World): Promise<void> {
  world.note('peace');
  world.peaceful = true;
  world.deathAhead = null;
  world.stopAhead = null;
  world.network.mend();
  world.network.weather = CALM;
  await world.continueBroker();
  if (!world.hasRoom) await world.setRoom(true);
  for (const queue of world.climate.queues) void world.setPaused(queue, false, 100);
  world.mendClock();
  for (const [place, daemon] of world.daemons.entries()) {
    daemon.scheduler.quiet();
    await daemon.machine.continue();
    if (daemon.machine.state === 'dead') world.timeline.after(1_000, () => world.startDaemon(place));
  }
}

function isSettled(world: World): boolean {
  const isBack = ({ consumer }: SimDaemon) => consumer.sessions.every(({ state }) => state === 'open');
  if (!world.daemons.every(isBack)) return false;
  if (world.ledger.runs > 0 || world.producers.some(({ underWay }) => underWay > 0)) return false;
  for (const { truth } of world.oracles.values()) {
    for (const { place } of truth.jobs.values())
      if (place.at !== 'ended' && place.at !== 'dead') return false;
  }
  return true;
}

function unsettled(world: World): string {
  const found = [...world.oracles.values()].flatMap(({ truth }) =>
    [...truth.jobs.values()]
      .filter(({ place }) => place.at !== 'ended' && place.at !== 'dead')
      .map(({ id, place }) => `${id} ${JSON.stringify(place)}`),
  );
  const away = world.daemons.filter(({ consumer }) =>
    consumer.sessions.some(({ state }) => state !== 'open'),
  );
  return `${away.length} daemons are away, ${world.ledger.runs} runs, ${found.length} jobs: ${found.slice(0, 3).join('; ')}`;
}

/** I11, I12: afterwards nobody holds anything, and nothing is left running in any daemon. */
async function stopAll(world: World): Promise<void> {
  const { timeline, climate } = world;
  let stopped = 0;
  const stopping = world.daemons.filter(({ machine }) => machine.state === 'awake');
  for (const daemon of stopping) {
    daemon.isStopping = true;
    daemon.supervisor.signal('SIGTERM');
    void daemon.supervisor.stop().then(() => {
      stopped += 1;
    });
  }
  await timeline.run(
    timeline.now + climate.leaseMs,
    () => stopped === stopping.length || world.violation !== null,
  );
  // What was sent long ago still arrives; a dead daemon's copy may open a session that nobody uses.
  world.judge(() => {
    if (stopped < stopping.length)
      throw new Violation('I11', `${stopping.length - stopped} daemons do not end`);
    for (const { machine } of stopping)
      if (machine.pending > 0)
        throw new Violation('I11', `${machine.name} has ended, with ${machine.pending} timers left`);
    world.ledger.audit(new Map([...world.oracles].map(([queue, { truth }]) => [queue, truth])));
  });
}
