/**
 * When a sweeper may take a lease: only after two looks. The same daemon with the same deadline must be seen expired twice,
 * at least the grace time apart by our own monotonic clock, with prompt replies in between; anything that could have kept
 * the owner from renewing (a slow call, a jump of the broker's clock, a long time without a look) makes it forget what it saw.
 */

import type { LeaseView, SweepReply } from '../broker/messages/lease.ts';

export interface Look {
  readonly reply: SweepReply;
  /** Monotonic ms before the call was sent, and after its answer. */
  readonly sentAt: number;
  readonly answeredAt: number;
}

export interface ReclaimRuleOptions {
  /** G of the protocol. */
  readonly graceMs: number;
  /** A slower answer is no prompt one. */
  readonly promptMs: number;
  /** After a longer time without a look nothing is known of it: this process may have stood still while the broker did. */
  readonly gapMs: number;
}

/** How far the broker's clock and ours may drift apart between two looks. */
const DRIFT_MS = 1_000;
/** The deadline of a lease that is being taken: any sweeper finishes that. */
const TAKEN = -1;

/** Remembers what one sweeper saw on one queue. */
export class ReclaimRule {
  readonly #options: ReclaimRuleOptions;
  /** Daemon and deadline, to the monotonic time of the first look at it. */
  #seen = new Map<string, number>();
  #last: Look | null = null;
  #nextAt = Number.POSITIVE_INFINITY;

  constructor(options: ReclaimRuleOptions) {
    this.#options = options;
  }

  /** The leases that may be taken now. `own` are never. */
  observe(look: Look, own: ReadonlySet<string>): readonly LeaseView[] {
    if (!this.#trusts(look)) this.#seen = new Map();
    this.#last = look;
    const expired = look.reply.leases.filter(
      ({ daemon, deadlineAt }) => !own.has(daemon) && deadlineAt < look.reply.now,
    );
    const seen = new Map(
      expired.map((lease) => [keyOf(lease), this.#seen.get(keyOf(lease)) ?? look.answeredAt]),
    );
    this.#seen = seen;
    const takeable = expired.filter(
      (lease) =>
        lease.deadlineAt === TAKEN ||
        look.sentAt - (seen.get(keyOf(lease)) as number) >= this.#options.graceMs,
    );
    this.#nextAt = this.#nextOf(look, own, takeable);
    return takeable;
  }

  /**
   * When a look is worth the most, monotonic ms: at a lease the first just after its end, the second after the grace time.
   * If each came up to an interval late, so would a dead daemon's jobs. Infinity when nothing is known.
   */
  get nextAt(): number {
    return this.#last === null ? Number.POSITIVE_INFINITY : this.#nextAt;
  }

  /** A call failed: nothing is known of the time in between. */
  forget(): void {
    this.#seen = new Map();
    this.#last = null;
  }

  #trusts(look: Look): boolean {
    if (look.answeredAt - look.sentAt > this.#options.promptMs) return false;
    if (this.#last === null) return true;
    if (look.sentAt - this.#last.answeredAt > this.#options.gapMs) return false;
    const ours = look.answeredAt - this.#last.answeredAt;
    const theirs = look.reply.now - this.#last.reply.now;
    return Math.abs(ours - theirs) <= DRIFT_MS;
  }

  /** Of leases that were not taken at this look. */
  #nextOf({ reply, answeredAt }: Look, own: ReadonlySet<string>, taken: readonly LeaseView[]): number {
    const waited = reply.leases.filter((lease) => !own.has(lease.daemon) && !taken.includes(lease));
    const dues = waited.map((lease) => {
      const seenAt = this.#seen.get(keyOf(lease));
      if (seenAt !== undefined) return seenAt + this.#options.graceMs;
      return answeredAt + 1 + lease.deadlineAt - reply.now;
    });
    return Math.min(...dues.filter(Number.isFinite));
  }
}

const keyOf = ({ daemon, deadlineAt }: LeaseView): string => `${daemon} ${deadlineAt}`;
