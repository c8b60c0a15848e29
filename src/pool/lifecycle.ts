/**
 * The life of one worker, as a table of state and event.
 *
 *     starting ──ready──▶ ready ⇄ busy ──drain, bye──▶ draining ──▶ exited
 *         └───────────────── kill, exit at any time ─────────────────▶
 *
 * Why a worker ends is recorded before it is caused; the first reason stands, but one that drains may be killed for another.
 * An exit without a reason is a crash.
 */

import type { WorkerState } from './pool.ts';

/** Why we end a worker, or know that it ends. */
export type Ending =
  /** It was told to leave, or left by itself on SIGTERM; nothing is lost. */
  | 'drain'
  /** Its job ran past the hard limit, or did not heed an abort within its grace. */
  | 'hard_timeout'
  | 'abort_ignored'
  /** Async: a job that was ended long ago still runs in it. */
  | 'recycle'
  | 'cold_stop'
  | 'boot_failed'
  | 'ready_timeout'
  /** Its slot is another's, and its jobs have not ended in the time that a drain may take. */
  | 'drain_timeout'
  /** Its event loop answers no ping. */
  | 'blocked'
  /** It runs a job, uses no CPU and answers no ping. */
  | 'stalled'
  /** It holds more memory than it may. */
  | 'memory';

export type WorkerEvent =
  | { readonly type: 'ready' }
  | { readonly type: 'boot_failed' }
  /** The number of deliveries inside has changed. */
  | { readonly type: 'load'; readonly inside: number }
  | { readonly type: 'drain' }
  | { readonly type: 'leaving' }
  | { readonly type: 'bye' }
  | { readonly type: 'kill'; readonly why: Ending }
  | { readonly type: 'exit' };

export type WorkerAction = 'announce' | 'send_drain' | 'send_exit' | 'kill';

export interface WorkerLife {
  readonly state: WorkerState;
  readonly ending: Ending | null;
}

export const BORN: WorkerLife = { state: 'starting', ending: null };

export function advance(
  life: WorkerLife,
  event: WorkerEvent,
): { life: WorkerLife; action: WorkerAction | null } {
  const { state, ending } = life;
  const same = { life, action: null };
  if (state === 'exited') return same;
  switch (event.type) {
    case 'exit':
      return { life: { state: 'exited', ending }, action: null };
    case 'kill':
      return {
        life: { state: 'draining', ending: ending === 'drain' || ending === null ? event.why : ending },
        action: 'kill',
      };
    case 'ready':
      return state === 'starting' ? { life: { state: 'ready', ending }, action: 'announce' } : same;
    case 'boot_failed':
      return { life: { state, ending: ending ?? 'boot_failed' }, action: null };
    case 'load':
      if (state !== 'ready' && state !== 'busy') return same;
      return { life: { state: event.inside > 0 ? 'busy' : 'ready', ending }, action: null };
    case 'drain':
      if (state === 'draining') return same;
      // What has not said `ready` cannot hear.
      return {
        life: { state: 'draining', ending: 'drain' },
        action: state === 'starting' ? 'kill' : 'send_drain',
      };
    case 'leaving':
      return {
        life: { state: 'draining', ending: ending ?? 'drain' },
        action: state === 'starting' ? 'kill' : null,
      };
    case 'bye':
      return { life: { state: 'draining', ending: ending ?? 'drain' }, action: 'send_exit' };
  }
}
