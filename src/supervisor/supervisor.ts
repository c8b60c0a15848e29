import type { Broker } from '../broker/broker.ts';
import type { Consumer } from '../consumer/consumer.ts';
import type { DaemonState } from '../control/messages/daemon.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Service } from '../lib/service.ts';
import type { Pool } from '../pool/pool.ts';
import { escalate, type StopMode, type StopSignal } from './stop-escalation.ts';

/** Everything a daemon consists of, as `build` wires it. */
export interface DaemonParts {
  readonly broker: Broker;
  readonly pools: readonly Pool[];
  readonly consumers: readonly Consumer[];
  readonly scheduler: Service;
  /** Lease keeper and sweeper: they work from before the first claim until after the last settlement. */
  readonly keepers: readonly Service[];
  /** The sockets: control, and that of the embedded store. */
  readonly servers: readonly Service[];
  /** Called when the pools are ready; rejects when the configuration asks for what the task modules do not have. */
  readonly check: () => Promise<void>;
  /** Takes back at once what a dead predecessor held. Called when the broker has started. */
  readonly takeOver: () => Promise<void>;
}

export interface SupervisorOptions {
  readonly drainTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Owns all services: starts them in order, stops them in order, and decides nothing else. */
export class Supervisor {
  readonly #parts: DaemonParts;
  readonly #options: SupervisorOptions;
  /** How long a stop lets running jobs go on. A reload may change it. */
  drainTimeoutMs: number;
  #state: DaemonState = 'starting';
  #mode: StopMode = 'running';
  #modeSince = 0;
  /** Aborts when running jobs are to be ended by force. */
  readonly #deadline = new AbortController();
  readonly #stopRequested = new AbortController();
  readonly #killed = new AbortController();
  #drainTimer: Timer | null = null;

  constructor(parts: DaemonParts, options: SupervisorOptions) {
    this.#parts = parts;
    this.#options = options;
    this.drainTimeoutMs = options.drainTimeoutMs;
  }

  get state(): DaemonState {
    return this.#state;
  }

  /** Aborts when a stop was asked for, in any way. */
  get stopRequested(): AbortSignal {
    return this.#stopRequested.signal;
  }

  /** Aborts when nothing may be waited for any more. */
  get killed(): AbortSignal {
    return this.#killed.signal;
  }

  /**
   * Broker and pools, which need nothing of each other, then those who keep leases, then those who claim, then the one who
   * enqueues; the sockets come last, so that whoever can connect finds a daemon that works. Ends early, without an error,
   * when a stop is asked for.
   */
  async start(): Promise<void> {
    const { broker, pools, keepers, consumers, scheduler, servers, check, takeOver } = this.#parts;
    await Promise.all([broker.start(), ...pools.map((pool) => pool.start())]);
    const steps = [
      check,
      takeOver,
      ...[...keepers, ...consumers, scheduler, ...servers].map((service) => () => service.start()),
    ];
    for (const step of steps) {
      // A stop may have come meanwhile: nothing may start behind its back.
      if (this.#mode !== 'running') return;
      await step();
    }
    if (this.#mode === 'running') this.#state = 'running';
  }

  /** Whether it has started and is not told to stop. */
  get works(): boolean {
    return this.#state === 'running' || this.#state === 'quiet';
  }

  /** Claims nothing, or claims again; running jobs go on. False when the daemon starts or stops: nothing is changed. */
  setQuiet(quiet: boolean): boolean {
    if (!this.works) return false;
    const next = quiet ? 'quiet' : 'running';
    if (this.#state === next) return true;
    this.#state = next;
    for (const consumer of this.#parts.consumers) quiet ? consumer.pause() : consumer.resume();
    this.#options.log.info(quiet ? 'quiet: nothing is claimed' : 'jobs are claimed again', {
      running: this.#running(),
    });
    return true;
  }

  /** Acts on a signal, or on a command that means the same. */
  signal(signal: StopSignal): void {
    const { clock, log } = this.#options;
    const { drainTimeoutMs } = this;
    const before = this.#mode;
    this.#mode = escalate(before, signal, clock.monotonic() - this.#modeSince);
    if (this.#mode === before) return;
    this.#modeSince = clock.monotonic();
    if (this.#mode === 'warm') {
      log.info('stopping: running jobs may finish', {
        signal,
        drain_timeout_ms: drainTimeoutMs,
        again: 'stops now',
      });
      this.#drainTimer = clock.setTimer(drainTimeoutMs, () => {
        log.warn('the drain timeout is over, ending what still runs', { running: this.#running() });
        this.#deadline.abort();
      });
    } else if (this.#mode === 'cold') {
      log.warn('stopping now: running jobs are ended and go back to their queues', {
        signal,
        running: this.#running(),
      });
      this.#deadline.abort();
    } else {
      this.#deadline.abort();
      this.#killed.abort();
    }
    this.#stopRequested.abort();
  }

  /** Ends it without being told to: something without which it cannot go on has failed. */
  giveUp(): void {
    this.#mode = 'cold';
    this.#deadline.abort();
    this.#stopRequested.abort();
  }

  /**
   * Nothing new is enqueued or claimed; pools finish by the deadline while settlements still go out and leases are still
   * renewed; what is left is ended and then released; only then do the keepers and the broker go. Resolves when nothing is
   * left running.
   */
  async stop(): Promise<void> {
    const { broker, pools, keepers, consumers, scheduler, servers } = this.#parts;
    const deadline = this.#deadline.signal;
    this.#state = 'draining';
    for (const service of [scheduler, ...consumers, ...pools]) service.quiet();
    await Promise.all(pools.map((pool) => pool.stop(deadline)));
    this.#state = 'stopping';
    // The deadline is theirs as well: without it a broker that answers slowly could hold the daemon for good.
    await Promise.all([scheduler, ...consumers].map((service) => service.stop(deadline)));
    this.#drainTimer?.cancel();
    for (const service of [...keepers, ...servers].reverse()) await service.stop(deadline);
    await broker.close();
  }

  #running(): number {
    return this.#parts.pools.reduce((sum, pool) => sum + pool.inFlight, 0);
  }
}
