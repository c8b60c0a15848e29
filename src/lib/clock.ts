/** Milliseconds since 1970-01-01T00:00:00Z. Stored and shown; never subtracted to measure a duration. */
export type EpochMs = number;

/** As in `2026-05-01T12:00:00.000Z`. `at` must be a time that a calendar has (RangeError). */
export const isoTime = (at: EpochMs): string => new Date(at).toISOString();

/** A pending call of `Clock.setTimer`. */
export interface Timer {
  /** The callback will not run after this. Harmless when repeated or late. */
  cancel(): void;
}

/**
 * The only source of time. Nothing else in `src` calls `Date`, `performance`, `setTimeout` or `setInterval`, so
 * that a test moves time by hand.
 */
export interface Clock {
  /** Wall clock: may jump both ways. For what is stored or printed. */
  now(): EpochMs;
  /** Milliseconds of a clock that never jumps; its origin means nothing. For what is measured. */
  monotonic(): number;
  /** Moments of `monotonic` on which what is done now and then gathers (toBeat), so far apart; none where it is left out. */
  readonly beatMs?: number;
  /** Resolves after `ms`, or at once when `signal` aborts (it never rejects: look at the signal). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`. Keeps the process alive until then. */
  setTimer(ms: number, callback: () => void): Timer;
}

/** Longest delay a Node timer takes; beyond it Node fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  beatMs: 1_000,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, Math.min(ms, LONGEST_TIMER_MS));
      signal?.addEventListener('abort', end, { once: true });
    }),
  setTimer: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};
