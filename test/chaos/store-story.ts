/** A history on an embedded store in the making, for the tests of its checker: each event a millisecond after the other. */

import { encodeJob } from '../../src/broker/job-record.ts';
import type { WorldAction } from './faults.ts';
import type { DumpEvent, Event, FileEvent, Recorded } from './history.ts';
import { checkStore } from './store-checker.ts';
import type { Invariant } from './violations.ts';

export const [JOB, OTHER] = ['0198a3b2-0000-7000-8000-000000000001', '0198a3b2-0000-7000-8000-000000000002'];
export const WORKER = 501;

export class StoreStory {
  readonly events: Recorded[] = [];
  #t = 100_000;

  add(event: Event, pid = 1): this {
    this.events.push({ t: this.#t++, pid, seq: this.events.length, ...event } as Recorded);
    return this;
  }

  later(ms: number): this {
    this.#t += ms;
    return this;
  }

  ask(id = JOB, more: { unique?: string; keepResult?: boolean } = {}): this {
    return this.add({ kind: 'ask', tag: `tag-${id}`, task: 'quick', queue: 'io', sum: 'sum', ...more });
  }

  told(end: 'stored' | 'existing' | 'refused' | 'unknown', id = JOB, of = id): this {
    return this.add({ kind: 'told', tag: `tag-${of}`, end, id });
  }

  start(claim = 1, id = JOB, { pid = WORKER, sum = 'sum', tag = `tag-${id}` as string | null } = {}): this {
    return this.add({ kind: 'start', id, token: `${id}:${claim}`, task: 'quick', sum, tag }, pid);
  }

  end(claim = 1, id = JOB, pid = WORKER): this {
    return this.add({ kind: 'end', id, token: `${id}:${claim}` }, pid);
  }

  fail(claim = 1, id = JOB, pid = WORKER): this {
    return this.add({ kind: 'fail', id, token: `${id}:${claim}` }, pid);
  }

  died(process = WORKER): this {
    return this.add({ kind: 'process_gone', process, lastSeen: this.#t - 0.5 });
  }

  daemon(what: 'running' | 'gone'): this {
    return this.add({ kind: 'daemon', name: 'daemon0', pid: 9, what });
  }

  fault(action: WorldAction): this {
    return this.add({ kind: 'fault', rule: { on: 'ask', nth: 1, ...action }, action, door: '' });
  }

  over(action: WorldAction): this {
    return this.add({ kind: 'fault_over', action, door: '' });
  }

  file(more: Partial<FileEvent> = {}): this {
    return this.add({ kind: 'file', name: 'daemon0', damage: null, strays: 0, ticks: {}, ...more });
  }

  dump(more: Partial<DumpEvent> = {}): this {
    return this.add({
      kind: 'dump',
      queue: 'io of daemon0',
      waiting: [],
      inFlight: [],
      leases: [],
      dead: [],
      unique: {},
      counters: { enqueued: 1, completed: 1 },
      results: {},
      strayKeys: [],
      ...more,
    });
  }

  broken(mayDie: Readonly<Record<string, number | null>> = {}): Set<Invariant> {
    return new Set(checkStore(this.events, { mayDie }).violations.map(({ invariant }) => invariant));
  }
}

/** As it stands in a file. */
export function recordOf(id: string, { task = 'quick', crashes = 0 } = {}): string {
  const record = encodeJob({
    id,
    task,
    priority: 5,
    keepResult: false,
    expiresAt: 0,
    unique: null,
    options: {},
    input: `{"tag":"tag-${id}"}`,
  });
  return `${record.slice(0, 47)}${String(crashes).padStart(2, '0')}${record.slice(49)}`;
}
