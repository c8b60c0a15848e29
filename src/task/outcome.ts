import type { ErrorRecord } from '../lib/errors.ts';

/** Why an attempt was told to end early. */
export type AbortReason = 'timeout' | 'cancel' | 'drain' | 'lease_lost';

/** How one attempt ended. Every way has exactly one settlement (consumer/settlement.ts). */
export type Outcome =
  /** `result` is JSON, absent when the handler returned undefined. */
  | { readonly type: 'completed'; readonly result?: string }
  /** The handler threw. `retryAfterMs`: it named the delay itself. */
  | {
      readonly type: 'failed';
      readonly error: ErrorRecord;
      readonly retryable: boolean;
      readonly retryAfterMs?: number;
    }
  /** The handler asked to run again later; counts nothing. */
  | { readonly type: 'snoozed'; readonly delayMs: number }
  /** It did not start, or was ended for a reason that is not its own; counts nothing. */
  | { readonly type: 'interrupted'; readonly reason: 'drain' | 'lease_lost' | 'cancel' | 'handed_back' }
  /** The worker that was to run it alone did not get ready; counts nothing. */
  | { readonly type: 'unstarted'; readonly error: ErrorRecord }
  /** Its worker died while it was the only job in it. */
  | { readonly type: 'crashed'; readonly error: ErrorRecord }
  /** Its worker died while other jobs were in it too: nobody knows whose fault it was. */
  | { readonly type: 'lost'; readonly error: ErrorRecord }
  /** It ran past its limit: `soft` ended by itself after the abort signal, `hard` was ended by force. */
  | { readonly type: 'timed_out'; readonly limit: 'soft' | 'hard'; readonly error: ErrorRecord };
