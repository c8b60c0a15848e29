/**
 * The daemons of one queue: lease, lanes, what each holds.
 *
 *     (none) --open--> live --closeSession, empty--> tombstone --an hour--> (none)
 *                       | reclaim                        ^
 *                       v                                |
 *                     taken --last chunk moved-----------'
 *
 * `taken` and `tombstone` refuse everything of the old owner, `open` included.
 */

import type { EpochMs } from '../../lib/clock.ts';
import type { ExchangeDone } from '../messages/exchange.ts';
import type { LeaseView } from '../messages/lease.ts';
import type { JobKey } from './shelf.ts';

export interface Delivered {
  readonly key: JobKey;
  readonly unique: string | null;
}

/** An exchange's answer without the records: these are read again when it is repeated. */
export type StoredAnswer = Omit<ExchangeDone, 'jobs'> & {
  readonly tokens: readonly { readonly token: string; readonly alone: boolean }[];
};

export interface Lane {
  readonly number: number;
  /** Null after `open` and after a resync that raised the number: there is nothing to repeat. */
  readonly answer: StoredAnswer | null;
}

export interface Session {
  state: 'live' | 'taken';
  deadlineAt: EpochMs;
  /** Jobs that a reclaim has moved so far. */
  takenJobs: number;
  readonly lanes: [Lane, Lane];
  readonly inFlight: Map<string, Delivered>;
}

const TOMBSTONE_MS = 3_600_000;

export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #tombstones = new Map<string, { untilAt: EpochMs; takenJobs: number }>();

  open(daemon: string, deadlineAt: EpochMs): 'opened' | 'refused' {
    if (this.#tombstones.has(daemon)) return 'refused';
    const known = this.#sessions.get(daemon);
    if (known !== undefined) return known.state === 'live' ? 'opened' : 'refused';
    const lane: Lane = { number: 0, answer: null };
    this.#sessions.set(daemon, {
      state: 'live',
      deadlineAt,
      takenJobs: 0,
      lanes: [lane, lane],
      inFlight: new Map(),
    });
    return 'opened';
  }

  /** Null when it was never opened, was closed or was taken. */
  live(daemon: string): Session | null {
    const session = this.#sessions.get(daemon);
    return session?.state === 'live' ? session : null;
  }

  /** Also one that is being reclaimed. */
  get(daemon: string): Session | null {
    return this.#sessions.get(daemon) ?? null;
  }

  bury(daemon: string, now: EpochMs): void {
    const takenJobs = this.#sessions.get(daemon)?.takenJobs ?? 0;
    this.#sessions.delete(daemon);
    this.#tombstones.set(daemon, { untilAt: now + TOMBSTONE_MS, takenJobs });
  }

  /** How many jobs the reclaim moved that buried it. */
  takenFrom(daemon: string): number {
    return this.#tombstones.get(daemon)?.takenJobs ?? 0;
  }

  /** Puts a buried or closed session back. */
  restore(daemon: string, session: Session): void {
    this.#tombstones.delete(daemon);
    this.#sessions.set(daemon, session);
  }

  /** Only an empty one; its id is refused from then on, so that a late copy of `open` revives nothing. */
  close(daemon: string, now: EpochMs): void {
    if (this.live(daemon)?.inFlight.size === 0) this.bury(daemon, now);
  }

  /** Forgets old tombstones; a lease further ahead than any owner asks for is a clock that stepped back: clipped. */
  sweep(now: EpochMs, leaseMs: number, slackMs: number): void {
    for (const [daemon, { untilAt }] of this.#tombstones) {
      if (now > untilAt) this.#tombstones.delete(daemon);
    }
    for (const session of this.#sessions.values()) {
      if (session.deadlineAt > now + leaseMs + slackMs) session.deadlineAt = now + leaseMs;
    }
  }

  leases(): LeaseView[] {
    return [...this.#sessions].map(([daemon, session]) => ({
      daemon,
      deadlineAt: session.state === 'taken' ? -1 : session.deadlineAt,
    }));
  }

  /** Which daemon holds which job. */
  holders(): Map<JobKey, string> {
    const holders = new Map<JobKey, string>();
    for (const [daemon, session] of this.#sessions) {
      for (const { key } of session.inFlight.values()) holders.set(key, daemon);
    }
    return holders;
  }
}
