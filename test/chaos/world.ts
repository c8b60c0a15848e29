/** Everything that a plan runs on, and what its faults do to it. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RealDaemon, type Runtime } from './daemon.ts';
import { EmbeddedSite } from './embedded-site.ts';
import {
  type Action,
  isProcess,
  isWire,
  type Plan,
  type ProcessAction,
  type Rule,
  RuleBook,
  type WorldAction,
} from './faults.ts';
import { type Event, Recorder } from './history.ts';
import { ProcessWatch } from './process-watch.ts';
import { produce } from './producer.ts';
import { SeededRandom } from './random.ts';
import { RedisSite } from './redis-site.ts';
import type { Site } from './site.ts';

export interface WorldOptions {
  /** An embedded store is on a disk that can be filled, also if no fault of the plan says so. */
  readonly small?: boolean;
  /** Of the daemons. */
  readonly runtime?: Runtime;
}

export class World {
  readonly plan: Plan;
  readonly historyFolder: string;
  readonly random: SeededRandom;
  readonly rules: RuleBook;
  readonly daemons: readonly RealDaemon[];
  readonly site: Site;
  readonly record: (event: Event, t?: number) => void;
  readonly #recorder: Recorder;
  readonly #watch: ProcessWatch;
  /** World actions that are not over. */
  readonly #acting = new Set<Promise<void>>();
  #failure: Error | null = null;
  #keeping = true;
  #ended = false;

  static async open(plan: Plan, folder: string, options: WorldOptions = {}): Promise<World> {
    const { small = fillsDisk(plan), runtime } = options;
    const historyFolder = join(folder, 'history');
    mkdirSync(historyFolder);
    const recorder = new Recorder(historyFolder);
    const record = (event: Event, t?: number) => recorder.write(event, t);
    const rules = new RuleBook(plan.faults);
    const names = Array.from({ length: plan.daemons }, (_, i) => `daemon${i}`);
    let world: World | null = null;
    const site =
      plan.broker === 'embedded'
        ? new EmbeddedSite({ folder, daemons: names, small })
        : await RedisSite.open({ rules, record, act: (action) => world?.act(action) });
    const daemons: RealDaemon[] = [];
    for (const name of names) {
      const broker = await site.brokerFor(name);
      daemons.push(
        new RealDaemon({
          ...{ name, folder, historyFolder, broker, record, runtime },
          schedules: schedulesOf(plan, name),
        }),
      );
    }
    world = new World({ plan, historyFolder, rules, daemons, site, recorder, record });
    return world;
  }

  private constructor(parts: Omit<World, keyof Methods | 'random'> & { readonly recorder: Recorder }) {
    this.plan = parts.plan;
    this.historyFolder = parts.historyFolder;
    this.random = new SeededRandom(parts.plan.seed);
    this.rules = parts.rules;
    this.daemons = parts.daemons;
    this.site = parts.site;
    this.record = parts.record;
    this.#recorder = parts.recorder;
    this.#watch = new ProcessWatch(parts.historyFolder, parts.record);
  }

  async startDaemons(): Promise<void> {
    await Promise.all(this.daemons.map((daemon) => daemon.start()));
    await Promise.all(this.daemons.map((daemon) => daemon.ready()));
    for (const daemon of this.daemons) daemon.assertRunning();
  }

  /** Enqueues the jobs of the plan. */
  async produce(): Promise<void> {
    const { plan, site, random, record } = this;
    const asked = () => {
      for (const rule of this.rules.meet('ask', 'client')) this.begin(rule);
    };
    await produce(plan, { entrances: site.entrances, random, record, asked });
  }

  /** Does what the rule says, now; one of the wire waits for its ordinal, counted from here. */
  begin(rule: Rule): void {
    const { on: _on, nth: _nth, door: _door, ...action } = rule;
    if (isWire(action)) {
      this.rules.add(rule);
      return;
    }
    this.record({ kind: 'fault', rule, action, door: '' });
    this.act(action);
  }

  /** Does it in the background; `settled` waits for its end. */
  act(action: Action): void {
    if (isWire(action)) return;
    const acting = this.#do(action)
      .catch((error: unknown) => {
        this.#failure ??= new Error(`${action.do} failed`, { cause: error });
      })
      .finally(() => {
        this.record({ kind: 'fault_over', action, door: '' });
        this.#acting.delete(acting);
      });
    this.#acting.add(acting);
  }

  /** Starts daemons again that ended and that nobody holds, as a service manager does. */
  async keepAlive(): Promise<void> {
    while (this.#keeping) {
      for (const daemon of this.daemons) if (!daemon.running && !daemon.held) await daemon.start();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Resolves when no world action is under way. @throws what one of them failed with */
  async settled(): Promise<void> {
    while (this.#acting.size > 0) await Promise.all(this.#acting);
    if (this.#failure !== null) throw this.#failure;
  }

  /** Ends all processes of the run, in any state; nothing more is written to its history. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#keeping = false;
    this.rules.clear();
    await Promise.allSettled(this.#acting);
    await Promise.allSettled(this.daemons.map((daemon) => daemon.kill()));
    this.#watch.stop();
    this.#recorder.close();
  }

  async close(): Promise<void> {
    await this.end();
    await this.site.close();
  }

  /** Daemons are stopped from here on, not started. */
  letGo(): void {
    this.#keeping = false;
    for (const daemon of this.daemons) daemon.held = true;
  }

  async #do(action: WorldAction): Promise<void> {
    if (!isProcess(action)) return this.site.act(action);
    switch (action.do) {
      case 'kill_child':
        return this.#killChild(action.daemon);
      case 'stop_child':
        return this.#stopChild(action.daemon, action.ms);
      case 'kill_daemon':
      case 'stop_daemon':
      case 'restart_daemon':
      case 'reload_daemon':
        return this.#toDaemon(action);
    }
  }

  async #toDaemon(action: ProcessAction): Promise<void> {
    const daemon = this.#daemon(action.daemon);
    if (daemon === undefined || daemon.held || !daemon.running) return;
    if (action.do === 'reload_daemon') return daemon.signal('SIGHUP');
    daemon.held = true;
    try {
      if (action.do === 'stop_daemon') {
        daemon.signal('SIGSTOP');
        await rest(action.ms);
        daemon.signal('SIGCONT');
        return;
      }
      if (action.do === 'kill_daemon') {
        await daemon.kill();
        await rest(action.ms);
      } else await daemon.stop();
      await daemon.start();
      await daemon.ready();
    } finally {
      daemon.held = false;
    }
  }

  async #killChild(index: number): Promise<void> {
    const victims = (await this.#daemon(index)?.workers()) ?? [];
    if (victims.length > 0) kill(this.random.pick(victims), 'SIGKILL');
  }

  async #stopChild(index: number, ms: number): Promise<void> {
    const victims = (await this.#daemon(index)?.workers()) ?? [];
    if (victims.length === 0) return;
    const victim = this.random.pick(victims);
    kill(victim, 'SIGSTOP');
    await rest(ms);
    kill(victim, 'SIGCONT');
  }

  #daemon(index: number): RealDaemon | undefined {
    return this.daemons[index % this.daemons.length];
  }
}

type Methods = Pick<
  World,
  'startDaemons' | 'produce' | 'begin' | 'act' | 'keepAlive' | 'settled' | 'end' | 'close' | 'letGo'
>;

/** Daemons on one Redis share theirs. */
function schedulesOf({ broker, schedules }: Plan, daemon: string): string[] {
  const of = broker === 'embedded' ? `-of-${daemon}` : '';
  return Array.from({ length: schedules }, (_, i) => `each-second-${i}${of}`);
}

const fillsDisk = ({ faults }: Plan): boolean => faults.some((rule) => rule.do === 'full');

/** The pid may be gone. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
