/**
 * Whatever lives long in the daemon. `stop` is complete when it resolves: nothing of the service runs afterwards.
 * Each method is harmless when repeated.
 */
export interface Service {
  /** Resolves when the service does its work; rejects, with nothing left running, when it cannot. */
  start(): Promise<void>;
  /** Takes nothing new from here on; what is under way goes on. */
  quiet(): void;
  /** Ends by itself where it can; from the abort of `deadline` on it is ended by force. Never rejects. */
  stop(deadline: AbortSignal): Promise<void>;
}
