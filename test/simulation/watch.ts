import { leaseTiming } from '../../src/supervisor/lease-timing.ts';
import { CALM } from './network.ts';
import type { SimDaemon } from './sim-daemon.ts';
import { ABORT_MS } from './sim-pool.ts';
import { Violation } from './truth.ts';
import type { World } from './world.ts';

/** How often a daemon compares its accounts with the broker's. */
const AUDIT_MS = 15_000;
/** A daemon looks at its own renewals a few times in a heartbeat; after a stop it needs one such look. */
export const NOTICE_MS = 1_100;
const LOOK_MS = 500;

interface Difference {
  readonly since: number;
  readonly text: string;
}

/** Looks at the daemons themselves now and then: what they do must fit what they can know. */
export class Watch {
  readonly #world: World;
  /** By machine: when something last kept it from the broker. */
  readonly #disturbedAt = new Map<string, number>();
  #differences = new Map<string, Difference>();

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#world.timeline.after(LOOK_MS, () => {
      this.#world.judge(() => this.#look());
      this.start();
    });
  }

  #look(): void {
    this.#fences();
    const differences = new Map<string, Difference>();
    for (const daemon of this.#world.daemons) this.#accounts(daemon, differences);
    this.#differences = differences;
  }

  /** Nothing runs on for long under a lease that could not be renewed: it may be somebody else's. */
  #fences(): void {
    const { climate, ledger, timeline, storeSetBackAt } = this.#world;
    const { fenceAfterMs } = leaseTiming(climate.leaseMs, climate.heartbeatMs);
    for (const { token, machine, session } of ledger.running()) {
      if (machine.state !== 'awake' || timeline.now - machine.lastStoppedAt < NOTICE_MS) continue;
      const age = timeline.now - Math.max(ledger.renewedAt(session), storeSetBackAt);
      if (age > fenceAfterMs + NOTICE_MS + ABORT_MS)
        throw new Violation('I3', `${token} runs on ${machine.name}, not renewed for ${age.toFixed(0)} ms`);
    }
  }

  /** What a daemon has in flight by the broker's account it knows of, and the other way round, when it could compare. */
  #accounts({ machine, pool, consumer, isStopping }: SimDaemon, found: Map<string, Difference>): void {
    const { network, timeline, oracles, climate } = this.#world;
    const { now } = timeline;
    const calm = machine.state === 'awake' && !network.isCut(machine) && !network.isStanding;
    if (!calm || isStopping || network.weather.lostReply > CALM.lostReply)
      this.#disturbedAt.set(machine.name, now);
    const calmFor = now - (this.#disturbedAt.get(machine.name) ?? 0);
    const patience = AUDIT_MS + 2 * climate.heartbeatMs + 5_000;
    if (calmFor === 0) return;
    for (const { queue, daemon, inFlight, state } of consumer.sessions) {
      if (state !== 'open') continue;
      const theirs = new Set<string>();
      for (const { place } of oracles.get(queue)?.truth.jobs.values() ?? []) {
        if (place.at === 'in_flight' && place.daemon === daemon) theirs.add(place.token);
      }
      const stray = [...theirs].filter((token) => !pool.running.has(token));
      const vanished = [...pool.running.values()].filter(
        ({ token, queue: of }) => of === queue && !theirs.has(token),
      );
      // Only counts are compared: where one is missing on either side, its end will tell.
      if (theirs.size === inFlight && vanished.length > 0) continue;
      const note = (token: string, what: string) => {
        const key = `${daemon} ${token} ${what}`;
        const difference = this.#differences.get(key) ?? { since: now, text: what };
        found.set(key, difference);
        if (calmFor > patience && now - difference.since > patience)
          throw new Violation('I12', `${token} is ${what} ${machine.name} (${daemon}) for too long`);
      };
      for (const token of stray) note(token, 'in flight, and does not run, at');
      for (const { token } of vanished) note(token, 'run, and not in flight, at');
    }
  }
}
