/**
 * What happened in a run, as NDJSON: one file per process, one line per event, each written at once. `t` is the machine's
 * monotonic clock in milliseconds: the same for all processes, so that the files can be put in order.
 */

import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Call } from './calls.ts';
import type { Action, Rule } from './faults.ts';

/** A task's own account of a run; `token` is the job's id and its fence, `sum` tells inputs apart. */
export type RunEvent =
  | {
      readonly kind: 'start';
      readonly id: string;
      readonly token: string;
      readonly task: string;
      readonly sum: string;
      /** Null for what the producer did not make. */
      readonly tag?: string | null;
    }
  | { readonly kind: 'end' | 'fail' | 'abort'; readonly id: string; readonly token: string };

/** What the producer asked for and was told. `tag` stands in the input of its job. */
export type ProducerEvent =
  | {
      readonly kind: 'ask';
      readonly tag: string;
      readonly task: string;
      readonly queue: string;
      readonly sum: string;
      /** Its unique key, with the store for which it is unique. */
      readonly unique?: string | null;
      readonly keepResult?: boolean;
    }
  | {
      readonly kind: 'told';
      readonly tag: string;
      readonly end: 'stored' | 'existing' | 'refused' | 'unknown';
      readonly id?: string;
    };

/**
 * A script that reached Redis. `reply` is missing when the connection to Redis ended first: it may have been executed.
 * `sent` is when it was written to Redis, `t` when it was answered; no two scripts are under way at the same time.
 */
export interface CallEvent {
  readonly kind: 'call';
  readonly door: string;
  readonly sent: number;
  readonly call: Call;
}

export type WorldEvent =
  | { readonly kind: 'fault'; readonly rule: Rule; readonly action: Action; readonly door: string }
  | { readonly kind: 'fault_over'; readonly action: Action; readonly door: string }
  /** Redis was started on what a snapshot or nothing holds: everything later is lost. */
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'rollback'; readonly to: 'snapshot' | 'nothing' }
  | {
      readonly kind: 'daemon';
      readonly name: string;
      readonly pid: number;
      readonly what: 'running' | 'gone';
    }
  /** Processes of a daemon that still lived a second after its end. */
  | { readonly kind: 'orphans'; readonly name: string; readonly count: number }
  | { readonly kind: 'process_gone'; readonly process: number; readonly lastSeen: number }
  /** The daemon was asked to stop and ended. */
  | {
      readonly kind: 'stopped';
      readonly name: string;
      readonly code: number | null;
      readonly ms: number;
      readonly withinMs: number;
    }
  | { readonly kind: 'healed' }
  /** After the last fault: so many jobs were left when the time for them was over (0 = all ended in `ms`). */
  | { readonly kind: 'quiet'; readonly left: number; readonly ms: number; readonly withinMs: number }
  | {
      readonly kind: 'idle';
      readonly name: string;
      readonly when: 'before' | 'after';
      readonly fds: number;
      readonly processes: number;
    }
  /** How far a daemon's schedules had come, when it was asked at `at` on the clock on the wall. */
  | {
      readonly kind: 'ticks';
      readonly name: string;
      readonly at: number;
      readonly reached: Readonly<Record<string, number>>;
    };

/** What the broker held of a queue in the end: records and tokens by place. */
export interface DumpEvent {
  readonly kind: 'dump';
  readonly queue: string;
  readonly waiting: readonly string[];
  readonly inFlight: readonly { readonly daemon: string; readonly token: string; readonly record: string }[];
  readonly leases: readonly string[];
  readonly dead: readonly string[];
  readonly unique: Readonly<Record<string, string>>;
  readonly counters: Readonly<Record<string, number>>;
  /** Id to the status of its kept result. */
  readonly results: Readonly<Record<string, string>>;
  /** Keys without a time to live that no rule of the broker explains. */
  readonly strayKeys: readonly string[];
}

/** What the file of an embedded store was like in the end; its queues follow, each as a dump. */
export interface FileEvent {
  readonly kind: 'file';
  /** Of its daemon. */
  readonly name: string;
  readonly damage: string | null;
  /** Records without a place, places without a record. */
  readonly strays: number;
  readonly ticks: Readonly<Record<string, number>>;
}

export type Event = RunEvent | ProducerEvent | CallEvent | WorldEvent | DumpEvent | FileEvent;

/** As it stands in a file. */
export type Recorded = Event & { readonly t: number; readonly pid: number; readonly seq: number };

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Writes this process's file. */
export class Recorder {
  readonly #file: number;
  #seq = 0;
  #state: 'open' | 'closed' = 'open';

  constructor(folder: string) {
    this.#file = openSync(join(folder, `${process.pid}.ndjson`), 'a');
  }

  /** Does nothing after `close`. */
  write(event: Event, t = monotonicMs()): void {
    if (this.#state === 'closed') return;
    writeSync(this.#file, `${JSON.stringify({ t, pid: process.pid, seq: this.#seq++, ...event })}\n`);
  }

  close(): void {
    this.#state = 'closed';
    closeSync(this.#file);
  }
}

/** All files of a folder in the order of time. A last line that its process could not finish is left out. */
export function readHistory(folder: string): Recorded[] {
  const events: Recorded[] = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ndjson'))) {
    const lines = readFileSync(join(folder, file), 'utf8').split('\n');
    lines.pop();
    for (const line of lines) events.push(JSON.parse(line) as Recorded);
  }
  return events.sort((a, b) => a.t - b.t || a.pid - b.pid || a.seq - b.seq);
}
