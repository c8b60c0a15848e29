import type { Call } from './sim-store.ts';
import { Violation } from './truth.ts';

interface Lane {
  sent: number;
  answered: number;
}

/** One session of a daemon, as far as it can know it: what it has sent, and what it was told. */
interface Standing {
  readonly lanes: readonly [Lane, Lane];
  /** Numbers do not fit the broker's: to be put in order before anything else is exchanged. */
  gap: boolean;
  /** Tokens that are in flight here, by all that it was told. */
  inFlight: Set<string>;
}

/**
 * What the contract asks of a daemon, whatever the network does to its calls. Judged when a call is sent: what follows from a
 * wrong one is often repaired by another rule, or rare.
 */
export class Conduct {
  readonly #sessions = new Map<string, Standing>();

  /** @throws Violation */
  sends(call: Call): void {
    if (call.verb === 'exchange') {
      const { daemon, lane, number, settle } = call.argument;
      const standing = this.#standing(daemon);
      const { sent, answered } = standing.lanes[lane];
      // Nobody knows whom it would settle: the same delivery may be handed out anew.
      for (const { token } of settle)
        if (!standing.inFlight.has(token))
          throw new Violation('P2', `${daemon} settles ${token}, which it was told is not in flight there`);
      // One that is not answered is sent on as it is: only then can there be a resync.
      if (standing.gap && number !== sent)
        throw new Violation('P4', `${daemon} sends exchange ${number} after a gap, without a resync`);
      if (number !== sent && (number !== sent + 1 || answered !== sent))
        throw new Violation('P4', `${daemon} sends exchange ${number} of lane ${lane} after ${sent}`);
      standing.lanes[lane].sent = number;
    }
    if (call.verb === 'resync') {
      const { daemon, numbers } = call.argument;
      for (const [lane, { sent, answered }] of this.#standing(daemon).lanes.entries()) {
        if (sent !== answered)
          throw new Violation('P4', `${daemon} resyncs while exchange ${sent} of lane ${lane} is unanswered`);
        if (numbers[lane] !== sent)
          throw new Violation('P4', `${daemon} resyncs lane ${lane} to ${numbers[lane]}, it is at ${sent}`);
      }
    }
  }

  hears(call: Call, reply: unknown): void {
    const { status } = (reply ?? {}) as { status?: string };
    if (call.verb === 'exchange') {
      const { daemon, lane, number, settle } = call.argument;
      const standing = this.#standing(daemon);
      const { jobs = [] } = reply as { jobs?: readonly { token: string }[] };
      if (status === 'done') for (const { token } of settle) standing.inFlight.delete(token);
      for (const { token } of jobs) standing.inFlight.add(token);
      standing.lanes[lane].answered = Math.max(standing.lanes[lane].answered, number);
      if (status === 'gap' || status === 'stale') standing.gap = true;
    }
    if (call.verb === 'resync' && status === 'synced') {
      const standing = this.#standing(call.argument.daemon);
      standing.gap = false;
      standing.inFlight = new Set((reply as { tokens: readonly string[] }).tokens);
    }
  }

  #standing(daemon: string): Standing {
    let standing = this.#sessions.get(daemon);
    if (standing === undefined) {
      standing = {
        lanes: [
          { sent: 0, answered: 0 },
          { sent: 0, answered: 0 },
        ],
        gap: false,
        inFlight: new Set(),
      };
      this.#sessions.set(daemon, standing);
    }
    return standing;
  }
}
