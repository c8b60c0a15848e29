import type { Broker } from '../../src/broker/broker.ts';
import type { BrokerError } from '../../src/broker/broker-error.ts';
import type { QueuePause } from '../../src/broker/messages/operator.ts';
import type { Watermark } from '../../src/broker/messages/schedule.ts';
import type { EpochMs } from '../../src/lib/clock.ts';

/** The verbs of the contract that a simulated process calls. */
export type Verb =
  | 'enqueue'
  | 'open'
  | 'exchange'
  | 'heartbeat'
  | 'resync'
  | 'closeSession'
  | 'sweep'
  | 'reclaim'
  | 'watermark'
  | 'fire'
  | 'setPaused'
  | 'retry'
  | 'delete'
  | 'purge'
  | 'list'
  | 'find'
  | 'stats';

type Of<V extends Verb> = {
  readonly verb: V;
  readonly queue: string;
  readonly argument: Parameters<Broker[V]>[1];
};

/** What is asked of the broker, as it lies on the wire: the same may arrive twice. */
export type Call = { [V in Verb]: Of<V> }[Verb];

export type Answer<V extends Verb> = Awaited<ReturnType<Broker[V]>>;

/** One job as it stands in the store. */
export interface Standing {
  readonly record: string;
  readonly place: 'ready' | 'suspects' | 'delayed' | 'in_flight' | 'dead';
  /** Of a ready line: its priority. */
  readonly priority: number | null;
  /** When a delayed job is due, when a dead one died. */
  readonly at: EpochMs | null;
  /** in_flight only; null daemon: nobody's. */
  readonly daemon: string | null;
  readonly token: string | null;
}

/** Everything that a queue holds, read past the verbs. */
export interface QueueImage {
  readonly jobs: readonly Standing[];
  /** Null where the store keeps none that can be read. -1: being taken. */
  readonly leases: ReadonlyMap<string, EpochMs> | null;
  readonly unique: ReadonlyMap<string, string>;
  readonly schedules: ReadonlyMap<string, Watermark>;
  readonly pause: QueuePause;
  readonly quarantined: number;
  /** Daemons of whose jobs in flight unique keys are noted. Null where that is not kept. */
  readonly holding: readonly string[] | null;
}

/** What a call did: its answer or its refusal, and what the queue holds then. */
export interface Effect {
  readonly reply: unknown;
  readonly error: BrokerError | null;
  readonly image: QueueImage;
  /** Somebody who waits may be told that there is something to claim. */
  readonly awake: boolean;
}

/** The store under test, as the simulation drives it: one call at a time, at a time that it gives. */
export interface SimStore {
  readonly type: 'redis' | 'embedded';
  /** `now`: the broker's clock. */
  execute(call: Call, now: EpochMs): Promise<Effect>;
  /** Somebody was told. */
  takeWake(queue: string): Promise<void>;
  image(queue: string, now: EpochMs): Promise<QueueImage>;
  /** Out of room, or no longer. */
  setFull(full: boolean): Promise<void>;
  close(): Promise<void>;
}

/** How a process dies: between two calls, because its disk failed, or in a call that left its files torn. */
export type Death = 'idle' | 'sync' | 'cut' | 'scattered';

/** A store that lives in files. */
export interface Mortal {
  /** The call is carried out, the process dies in it and comes back: the effect as far as it is known. */
  dieIn(call: Call, now: EpochMs, death: Death): Promise<Effect | null>;
  /** Nothing in the files is damaged. */
  readonly isSound: boolean;
}

/** What replicas do: they are behind, and then they are the truth. */
export interface Replicated {
  /** Remembers everything as it is. */
  snapshot(): Promise<void>;
  /** All that came after the snapshot was never there. */
  rollback(): Promise<void>;
}
