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
      const { daemon, lane, number } = call.argument;
      const standing = this.#standing(daemon);
      const { sent, answered } = standing.lanes[lane];
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
      const { daemon, lane, number } = call.argument;
      const standing = this.#standing(daemon);
      standing.lanes[lane].answered = Math.max(standing.lanes[lane].answered, number);
      if (status === 'gap' || status === 'stale') standing.gap = true;
    }
    if (call.verb === 'resync' && status === 'synced') this.#standing(call.argument.daemon).gap = false;
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
      };
      this.#sessions.set(daemon, standing);
    }
    return standing;
  }
}
