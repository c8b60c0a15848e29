/** The messages between the master (pool/host) and a worker (worker/). JSON values only; inputs and results as strings. */

import type { ErrorRecord } from '../../lib/errors.ts';
import type { LogLevel } from '../../lib/logger.ts';
import type { TaskManifest } from '../../task/define.ts';
import type { AbortReason, Outcome } from '../../task/outcome.ts';
import type { AttemptSpec } from '../../task/run.ts';
import { type FromWorkerWire, unpackFromWorker } from './wire.ts';

/** The environment variable that carries a forked worker's WorkerBoot as JSON. */
export const BOOT_VARIABLE = 'FORKLOOP_BOOT';

/** In the environment of each worker: the id of its daemon's run, by which its processes are found whoever started them. */
export const RUN_VARIABLE = 'FORKLOOP_RUN';

/** The descriptor of a forked worker by which the master asks its guard: 0 to 2 are output, 3 carries these messages. */
export const GUARD_PIPE = 4;

export type ToWorker =
  /** Run these, in this order; a process worker one at a time, the rest waits in its buffer. */
  | { readonly type: 'run'; readonly deliveries: readonly AttemptSpec[] }
  /** Abort the signal of these. What still waits in the buffer comes back as `interrupted: handed_back`. */
  | { readonly type: 'abort'; readonly tokens: readonly string[]; readonly reason: AbortReason }
  /** Hand back the buffer, finish what runs, say `bye`, then exit 0 once `exit` has come. */
  | { readonly type: 'drain' }
  /** The answer to `bye`: everything sent before it has arrived, so leaving loses nothing. */
  | { readonly type: 'exit' }
  /** Answered by `pong` at once, if the event loop is free. */
  | { readonly type: 'ping'; readonly number: number };

export type FromWorker =
  /** Modules are loaded and the listener is attached: messages may come now. */
  | {
      readonly type: 'ready';
      readonly tasks: readonly TaskManifest[];
      readonly generation: number;
      /** What the schemas say against the inputs of the boot, one answer for each; only when there were some. */
      readonly refused?: readonly (string | null)[];
    }
  /** It cannot start: a module did not load, or holds no task. It exits after this. */
  | { readonly type: 'boot_failed'; readonly error: ErrorRecord }
  /** These handlers are about to be called. In a process worker sent before the call, so that a crash has one cause. */
  | { readonly type: 'started'; readonly tokens: readonly string[] }
  /** How these ended. `started` as in the message above, of what begins in their place: one message instead of two. */
  | {
      readonly type: 'ended';
      readonly ended: readonly { readonly token: string; readonly outcome: Outcome }[];
      readonly started?: readonly string[];
    }
  | {
      readonly type: 'progress';
      readonly token: string;
      readonly done: number;
      readonly total: number | null;
    }
  | {
      readonly type: 'log';
      readonly token: string;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  /**
   * The worker is about to end because of this job: its code threw outside its promise, rejected unseen, or asked the
   * process to exit. With it the others in this worker are known to be innocent. `exit` of the channel follows.
   */
  | { readonly type: 'culprit'; readonly token: string | null; readonly error: ErrorRecord }
  | { readonly type: 'pong'; readonly number: number }
  /** It was told by a signal to leave: what it is still given comes back. `bye` follows. */
  | { readonly type: 'leaving' }
  | { readonly type: 'bye' };

/** What a worker sends on the wire: user code shares the channel, and its messages must not be taken for ours. */
export interface Envelope {
  readonly forkloop: FromWorkerWire;
}

/** The message inside; null for one that is none of ours. */
export function openEnvelope(value: unknown): FromWorker | null {
  if (typeof value !== 'object' || value === null) return null;
  try {
    const { forkloop } = value as Partial<Envelope>;
    return forkloop === undefined ? null : unpackFromWorker(forkloop);
  } catch {
    return null;
  }
}

// ------------------------------------------------------------------------------------------ master and guard
// The guard gets lines of JSON, `{number, ms}`, and answers each with `{number, answer}`.

/** A call as the inspector tells it; line and column count from 0. */
export interface Frame {
  readonly name: string;
  readonly url: string;
  readonly line: number;
  readonly column: number;
  /** `sourceMappingURL` of its script; empty where there is none. */
  readonly map: string;
}

/** What a guard answers, as a line of JSON; null when no JavaScript ran in the time that it was given. */
export type GuardAnswer = { readonly frames: readonly Frame[]; readonly token: string | null } | null;

/** `Symbol.for` of this names the function in a worker that tells whose code runs: the inspector sees only globals. */
export const TOKEN_SYMBOL = 'forkloop.current_token';

/** What is evaluated in the worker while it stands still. */
export const TOKEN_EXPRESSION = `globalThis[Symbol.for('${TOKEN_SYMBOL}')]?.() ?? null`;

/** The most frames of a stack. */
export const FRAME_LIMIT = 30;
