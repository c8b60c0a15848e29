import type { Clock } from '../lib/clock.ts';
import type { HostsOf, PoolOptions, WorkerHosts } from './options.ts';
import { WorkerHandle, type WorkerOwner } from './worker-handle.ts';

/** What workers are made of: one version of the pool's options, and the hosts that start workers with them. */
export class Generation {
  readonly number: number;
  readonly options: PoolOptions;
  readonly hosts: WorkerHosts;
  readonly #clock: Clock;

  constructor(number: number, options: PoolOptions, hostsOf: HostsOf, clock: Clock) {
    this.number = number;
    this.options = options;
    this.hosts = hostsOf(options);
    this.#clock = clock;
  }

  /** A worker for a slot of the pool. */
  spawn(owner: WorkerOwner, slot: number): WorkerHandle {
    const { kind, concurrency } = this.options;
    return this.#spawn(owner, slot, kind === 'process' ? 1 : concurrency, false);
  }

  /** A worker for one suspect; null where each worker runs one job at a time anyway. */
  spawnAlone(owner: WorkerOwner, slot: number): WorkerHandle | null {
    return this.hosts.aloneHost === null ? null : this.#spawn(owner, slot, 1, true);
  }

  #spawn(owner: WorkerOwner, slot: number, concurrency: number, forOne: boolean): WorkerHandle {
    const { name, modules, readyTimeout } = this.options;
    const { host: shared, aloneHost } = this.hosts;
    const host = forOne && aloneHost !== null ? aloneHost : shared;
    const boot = {
      pool: name,
      slot,
      generation: this.number,
      modules,
      concurrency,
      masterPid: process.pid,
    };
    return new WorkerHandle(owner, {
      host,
      boot,
      forOne,
      clock: this.#clock,
      readyTimeoutMs: readyTimeout,
    });
  }
}
