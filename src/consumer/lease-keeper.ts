import type { Clock } from '../lib/clock.ts';
import { toBeat } from '../lib/common-beat.ts';
import type { Service } from '../lib/service.ts';
import type { QueueSession } from './queue-session.ts';

/** How often the accounts with the broker are compared. */
const AUDIT_MS = 15_000;
/** Ticks in a heartbeat: how finely a fence or a gap is noticed. */
const TICKS = 5;

export interface LeaseKeeperOptions {
  readonly sessions: readonly QueueSession[];
  readonly heartbeatMs: number;
  readonly clock: Clock;
}

/**
 * Renews the leases of all queues while the daemon lives, also during a drain. After a gap in its own time (the process was
 * stopped, the machine slept) it renews before anything else has a chance to settle or start.
 */
export class LeaseKeeper implements Service {
  readonly #options: LeaseKeeperOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#running = this.#keep();
  }

  /** Leases are renewed to the end. */
  quiet(): void {}

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #keep(): Promise<void> {
    const { sessions, heartbeatMs, clock } = this.#options;
    const { signal } = this.#stopped;
    const tickMs = heartbeatMs / TICKS;
    let beatAt = clock.monotonic();
    let auditAt = beatAt;
    while (!signal.aborted) {
      await clock.sleep(toBeat(clock, tickMs), signal);
      if (signal.aborted) return;
      const now = clock.monotonic();
      for (const session of sessions) session.checkFence();
      // The tick that is nearest to it: one that comes a moment early must not put it off to the next.
      if (now - beatAt < heartbeatMs - tickMs / 8) continue;
      beatAt = now;
      if (now - auditAt < AUDIT_MS) for (const session of sessions) void session.heartbeat();
      else {
        auditAt = now;
        for (const session of sessions) void session.audit();
      }
    }
  }
}
