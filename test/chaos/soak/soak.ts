/**
 * Real daemons under a steady load and faults, for long. What they hold in the end is compared with what they held after a
 * warm-up:
 *
 *     load and faults --> load alone, measured --> rest, measured     the warm-up, and then the same for longer
 */

import { join } from 'node:path';
import { ROOT } from '../../support/with-supervisor.ts';
import type { Runtime } from '../daemon.ts';
import { monotonicMs, readHistory } from '../history.ts';
import { checkHistory } from '../judge.ts';
import { awaitQuiet } from '../play.ts';
import { Producer } from '../producer.ts';
import type { Violation } from '../violations.ts';
import type { World } from '../world.ts';
import { type SoakFault, soakFaults } from './faults.ts';
import {
  glimpseStore,
  megabytes,
  type ProcessSample,
  type StoreSample,
  sampleProcess,
  sampleStore,
} from './probe.ts';
import { type Comparison, compare, type Held, middle } from './verdict.ts';

export interface SoakOptions {
  /** With faults, before the first measurement and after it. */
  readonly warmUpMinutes: number;
  readonly minutes: number;
  /** Under load before each measurement, without faults. */
  readonly settleMs: number;
  readonly canFill: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Soaked {
  readonly jobs: number;
  readonly faults: number;
  readonly comparisons: readonly Comparison[];
  readonly violations: readonly Violation[];
}

/**
 * How daemons run whose memory is compared, so that what they hold is what they need. Left alone, V8 keeps up to 48 MB for young
 * objects or gives them back, and once it has reduced its memory at rest it does so again only when that has grown by 10 MB;
 * malloc keeps what each of its arenas had free.
 */
export const TIGHT: Runtime = {
  nodeArguments: ['--max-semi-space-size=2', '--no-memory-reducer'],
  env: {
    NODE_OPTIONS: `--require=${join(ROOT, 'test/fixtures/collect-garbage.cjs')}`,
    MALLOC_ARENA_MAX: '1',
  },
};
/** V8 gives pages that a collection has emptied back with one of the next. */
const COLLECTIONS = 6;
const COLLECTION_MS = 2_000;
const JOBS_PER_SECOND = 50;
const PROGRESS_MS = 30_000;
/** How long measurements under load go on, one each second. */
const LOOKS = 15;
/** A batch is remembered for 95 s after it was enqueued, and Redis takes its time to find what has ended: nothing of the load is left then. */
const MARKS_MS = 180_000;

export class Soak {
  readonly #world: World;
  readonly #options: SoakOptions;
  readonly #producer: Producer;
  readonly #stock: Generator<SoakFault, never>;
  #faults = 0;

  constructor(world: World, options: SoakOptions) {
    this.#world = world;
    this.#options = options;
    const { plan, site, random, record } = world;
    const { entrances } = site;
    const { seed, mix, broker = 'redis' } = plan;
    this.#stock = soakFaults({ seed, broker, canFill: options.canFill });
    this.#producer = new Producer({ seed, mix, results: false, entrances, random, record, asked: () => {} });
  }

  async run(): Promise<Soaked> {
    const { daemons } = this.#world;
    await this.#world.startDaemons();
    const spared = daemons[0]?.pid;
    const keeping = this.#world.keepAlive();
    const progress = setInterval(() => void this.#progress(), PROGRESS_MS);
    try {
      if (this.#world.plan.broker === 'embedded') for (const daemon of daemons) await daemon.ticks();
      this.#options.say('warming up');
      const before = await this.#held(() => this.#disturb(this.#options.warmUpMinutes));
      for (const daemon of daemons) await daemon.rest('before');
      this.#options.say('warm');
      const after = await this.#held(() => this.#disturb(this.#options.minutes));
      for (const daemon of daemons) await daemon.rest('after');
      const violations = await this.#end(keeping);
      if (daemons[0]?.pid !== spared)
        violations.push({
          invariant: 'I14',
          t: monotonicMs(),
          text: `${daemons[0]?.name} did not live through it`,
        });
      return {
        jobs: this.#producer.asked,
        faults: this.#faults,
        comparisons: compare(before, after),
        violations,
      };
    } finally {
      clearInterval(progress);
      await this.#producer.close();
    }
  }

  /** Under load: `first`, then time to settle, then looks; then without load, until everything has ended. */
  async #held(first: () => Promise<void>): Promise<Held> {
    let enough = false;
    const load = this.#producer.run(JOBS_PER_SECOND, () => enough);
    let working: ProcessSample[];
    try {
      await first();
      await rest(this.#options.settleMs);
      working = await this.#looks();
    } finally {
      enough = true;
      await load;
    }
    this.#options.say('at rest');
    this.#world.record({ kind: 'healed' });
    await awaitQuiet(this.#world);
    await rest(MARKS_MS);
    return { working, resting: await this.#looks(), store: await this.#stored() };
  }

  /** Of what is held, not of what V8 has not collected yet. */
  async #looks(): Promise<ProcessSample[]> {
    for (let collection = 0; collection < COLLECTIONS; collection++) {
      for (const daemon of this.#world.daemons) daemon.signal('SIGVTALRM');
      await rest(COLLECTION_MS);
    }
    const looks: ProcessSample[][] = [];
    for (let look = 0; look < LOOKS; look++) {
      looks.push(this.#look());
      await rest(1_000);
    }
    return middle(looks);
  }

  async #disturb(minutes: number): Promise<void> {
    const { signal, say } = this.#options;
    const until = monotonicMs() + minutes * 60_000;
    for (;;) {
      const { afterMs, rule } = this.#stock.next().value;
      if (signal.aborted || monotonicMs() + afterMs >= until) break;
      await rest(afterMs);
      this.#faults++;
      this.#world.begin(rule);
    }
    await rest(Math.max(0, until - monotonicMs()));
    this.#world.rules.clear();
    await this.#world.settled();
    say('faults are over');
  }

  /** The least of some looks: a tick of the schedule may be stored just now. */
  async #stored(): Promise<StoreSample> {
    const samples: StoreSample[] = [];
    for (let look = 0; look < LOOKS; look++) {
      const sample = await sampleStore(this.#world.site);
      if (sample !== null) samples.push(sample);
      await rest(190);
    }
    return {
      entries: Math.min(...samples.map(({ entries }) => entries)),
      bytes: Math.min(...samples.map(({ bytes }) => bytes)),
    };
  }

  /** Stops the daemons and judges the history. */
  async #end(keeping: Promise<void>): Promise<Violation[]> {
    const { daemons, site, record, plan, historyFolder } = this.#world;
    this.#world.letGo();
    await keeping;
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    for (const event of await site.dump()) record(event);
    await this.#world.end();
    return [...checkHistory(plan, readHistory(historyFolder)).violations];
  }

  #look(): ProcessSample[] {
    return this.#world.daemons.map(sampleProcess).filter((sample) => sample !== null);
  }

  async #progress(): Promise<void> {
    const looks = this.#look();
    const each = (value: (one: ProcessSample) => string | number) => looks.map(value).join('+');
    this.#options.say(
      [
        `${this.#producer.asked} jobs`,
        `${this.#faults} faults`,
        `masters ${each(({ heldBytes }) => megabytes(heldBytes))} of ${each(({ rssBytes }) => megabytes(rssBytes))} MB`,
        `workers ${each(({ workersBytes }) => megabytes(workersBytes))} MB`,
        `${each(({ fds }) => fds)} descriptors`,
        `${each(({ processes }) => processes)} processes`,
        await glimpseStore(this.#world.site),
      ].join(', '),
    );
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
