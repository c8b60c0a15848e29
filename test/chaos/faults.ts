/**
 * What a plan may do to a run. Faults wait for logical ordinals (the third `exchange`), not for times: the same plan meets
 * the same moment again, on a slow machine as on a fast one.
 */

import type { Verb } from '../../src/broker/redis/scripts.ts';

/** Done to the message that met the rule, and to what follows it on its connection, as a network does it. */
export type WireAction =
  /** It and all that follows never arrives; the connection stays open. */
  | { readonly do: 'drop_request' }
  /** It is executed; its reply and all that follows never arrives. */
  | { readonly do: 'drop_reply' }
  /** It is held for so long, then executed even if nobody waits any more. */
  | { readonly do: 'delay'; readonly ms: number }
  /** A second copy is executed so long after the first. */
  | { readonly do: 'dup'; readonly ms: number }
  /** The connection ends in the middle of the request. */
  | { readonly do: 'cut' }
  /** It is executed; the connection is reset before the reply. */
  | { readonly do: 'rst' }
  /** Nothing passes this door for so long, in either direction. */
  | { readonly do: 'blackhole'; readonly ms: number };

/** Done to daemons and their workers. `ms`: how long it lasts. */
export type ProcessAction =
  /** SIGKILL of a worker of the daemon; SIGSTOP, SIGCONT. */
  | { readonly do: 'kill_child'; readonly daemon: number }
  | { readonly do: 'stop_child'; readonly daemon: number; readonly ms: number }
  /** SIGKILL of the daemon, and another start so long after. */
  | { readonly do: 'kill_daemon'; readonly daemon: number; readonly ms: number }
  | { readonly do: 'stop_daemon'; readonly daemon: number; readonly ms: number }
  /** A stop as an operator asks for it, and another start. */
  | { readonly do: 'restart_daemon'; readonly daemon: number }
  | { readonly do: 'reload_daemon'; readonly daemon: number };

/** Done to the broker. */
export type BrokerAction =
  /** Redis: SIGSTOP, SIGKILL; it comes back with all it had acknowledged. */
  | { readonly do: 'stop_redis'; readonly ms: number }
  | { readonly do: 'kill_redis'; readonly ms: number }
  /** Redis comes back without its data. */
  | { readonly do: 'lose_redis'; readonly ms: number }
  /** Remembers what Redis holds; `rollback` brings it back to that. */
  | { readonly do: 'snapshot' }
  | { readonly do: 'rollback' }
  /** No memory, or no room on the disk of the embedded store. */
  | { readonly do: 'full'; readonly ms: number }
  | { readonly do: 'script_flush' }
  | { readonly do: 'client_kill' };

export type WorldAction = ProcessAction | BrokerAction;
export type Action = WireAction | WorldAction;

/** What is counted: requests of a verb that the proxy meets, or the jobs that the producer asks for. */
export type Occasion = Verb | 'ask';

/** Fires once, at the `nth` occasion (from 1), from any door or from the one named. `ask` is none of the wire. */
export type Rule =
  | ({ readonly on: Verb; readonly nth: number; readonly door?: string } & Action)
  | ({ readonly on: 'ask'; readonly nth: number; readonly door?: never } & WorldAction);

/** Who owns a schedule, a suspect, a long job …: what the run is made of. */
export interface Plan {
  readonly name: string;
  readonly seed: number;
  /** Redis if nothing is said. With `embedded` each daemon has a store of its own, and its faults are those of processes. */
  readonly broker?: 'redis' | 'embedded';
  readonly daemons: 1 | 2 | 3;
  readonly jobs: number;
  readonly jobsPerSecond: number;
  /** Share of the jobs by task; the rest is `quick`. */
  readonly mix: Readonly<Partial<Record<TaskName, number>>>;
  /** Schedules that fire each second. */
  readonly schedules: number;
  readonly faults: readonly Rule[];
}

export type TaskName = 'quick' | 'slow' | 'cpu' | 'flaky' | 'poison' | 'killer' | 'snoozer' | 'waits';

const WIRE: ReadonlySet<string> = new Set([
  'drop_request',
  'drop_reply',
  'delay',
  'dup',
  'cut',
  'rst',
  'blackhole',
]);

const PROCESS: ReadonlySet<string> = new Set([
  'kill_child',
  'stop_child',
  'kill_daemon',
  'stop_daemon',
  'restart_daemon',
  'reload_daemon',
]);

export const isProcess = (action: Action): action is ProcessAction => PROCESS.has(action.do);
export const isWire = (action: Action): action is WireAction => WIRE.has(action.do);

/** Counts the requests of each verb and says which rules are met. */
export class RuleBook {
  readonly #open: Set<Rule>;
  readonly #counts = new Map<string, number>();

  constructor(rules: readonly Rule[]) {
    this.#open = new Set(rules);
  }

  get unfired(): readonly Rule[] {
    return [...this.#open];
  }

  /** Another request of this verb has come through this door. */
  meet(verb: Occasion, door: string): readonly Rule[] {
    const counts = { [verb]: this.#count(verb), [`${verb} ${door}`]: this.#count(`${verb} ${door}`) };
    const met = [...this.#open].filter(
      (rule) =>
        rule.on === verb &&
        rule.nth === counts[rule.door === undefined ? verb : `${verb} ${rule.door}`] &&
        (rule.door ?? door) === door,
    );
    for (const rule of met) this.#open.delete(rule);
    return met;
  }

  /** Another rule, whose ordinals count from here. */
  add(rule: Rule): void {
    const name = rule.door === undefined ? rule.on : `${rule.on} ${rule.door}`;
    this.#open.add({ ...rule, nth: rule.nth + (this.#counts.get(name) ?? 0) });
  }

  /** No rule fires from here on. */
  clear(): void {
    this.#open.clear();
  }

  #count(name: string): number {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count;
  }
}
