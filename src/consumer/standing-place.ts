import type { ExchangeBehind, ExchangeRequest } from '../broker/messages/exchange.ts';

/** The place behind the blocking read that a pool waits with: its next claim stands there, where there is nothing to claim. */
export class StandingPlace {
  /** Sends behind the read that is under way; null when there is none, or something stands behind it. */
  #behind: ExchangeBehind | null = null;
  #covers = false;

  get isFree(): boolean {
    return this.#behind !== null;
  }

  /** A read has begun, or, with null, there is none any more. */
  heed(behind: ExchangeBehind | null): void {
    this.#behind = behind;
    if (behind !== null) this.#covers = false;
  }

  /** Sends an exchange there. Only while it is free. */
  take(): ExchangeBehind {
    const behind = this.#behind as ExchangeBehind;
    this.#behind = null;
    this.#covers = true;
    return (request) => this.#send(behind, request);
  }

  /** Whether what a wait has brought is claimed by what stood behind it. Ask once for each wait. */
  covered(): boolean {
    const covers = this.#covers;
    this.#covers = false;
    return covers;
  }

  async #send(behind: ExchangeBehind, request: ExchangeRequest) {
    try {
      return await behind(request);
    } catch (error) {
      // It is repeated, and may then be older than the wake.
      this.#covers = false;
      throw error;
    }
  }
}
