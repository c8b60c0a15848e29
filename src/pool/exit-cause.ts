/** Why a worker ended, from how it ended and what we did to it. Pure. */

import { type ErrorRecord, toErrorRecord } from '../lib/errors.ts';
import type { ExitInfo } from './host/host.ts';
import { stackText, topFrame } from './host/stack.ts';
import type { Ending } from './lifecycle.ts';

export interface ExitCause {
  /** `planned` ends count nothing; a `boot_failure` never had a job. */
  readonly kind: 'planned' | 'crash' | 'boot_failure';
  /** For people: what happened, without the last words. */
  readonly text: string;
}

export interface ExitFacts {
  readonly info: ExitInfo;
  readonly ending: Ending | null;
  readonly wasReady: boolean;
  /** The handler of a delivery had been called in it, and had not ended. */
  readonly running: boolean;
  /** What the worker itself said of its end: a module that did not load, an uncaught error, a call of process.exit. */
  readonly error: ErrorRecord | null;
  /** Where its code was when it was killed because it hung. */
  readonly stack?: string | null;
  /** The kernel has ended a process of this control group for want of memory since the last look. */
  readonly kernelOutOfMemory?: boolean;
}

const PLANNED: Readonly<
  Record<
    Exclude<Ending, 'drain' | 'boot_failed' | 'ready_timeout' | 'blocked' | 'stalled' | 'memory'>,
    string
  >
> = {
  hard_timeout: 'killed: a job ran past its hard limit',
  abort_ignored: 'killed: a job did not end when it was told to',
  recycle: 'recycled: a job that was ended still ran in it',
  cold_stop: 'killed: the pool stops',
  drain_timeout: 'killed: it was replaced and its jobs did not end within the drain timeout',
};

export function causeOf(facts: ExitFacts): ExitCause {
  const { ending, wasReady, running, error, stack = null } = facts;
  const at = stack === null ? '' : ` in ${topFrame(stack)}`;
  switch (ending) {
    case 'boot_failed':
      return { kind: 'boot_failure', text: error?.message ?? 'its modules did not load' };
    case 'ready_timeout':
      return {
        kind: 'boot_failure',
        text: `killed: it was not ready in time (ready_timeout); ${stack === null ? 'does a task module wait?' : `it hung${at}`}`,
      };
    case 'blocked':
      return { kind: 'crash', text: `killed: its event loop was blocked${at}` };
    case 'stalled':
      return { kind: 'crash', text: `killed: its job stood still for longer than stall_timeout${at}` };
    case 'memory':
      return { kind: 'crash', text: 'killed: its memory went beyond max_rss.hard' };
    case 'drain':
      // It waits for what runs in it: an end before that is no drain.
      return running ? { kind: 'crash', text: unplannedText(facts) } : { kind: 'planned', text: 'drained' };
    case null:
      return { kind: wasReady ? 'crash' : 'boot_failure', text: unplannedText(facts) };
    default:
      return { kind: 'planned', text: PLANNED[ending] };
  }
}

const NATIVE_FAULTS = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGTRAP', 'SIGFPE']);

function unplannedText({ info, error, kernelOutOfMemory }: ExitFacts): string {
  const { code, signal, lastWords } = info;
  if (error !== null)
    return error.name === 'ProcessExit' ? error.message : `uncaught ${error.name}: ${error.message}`;
  if (info.error !== undefined) return hostErrorText(info.error);
  if (/FATAL ERROR.*(heap|memory)/i.test(lastWords)) return 'the JavaScript heap overflowed (out of memory)';
  if (signal === 'SIGKILL' && kernelOutOfMemory === true)
    return 'killed by SIGKILL: the kernel ended a process of this control group for want of memory';
  if (signal === 'SIGKILL')
    return 'killed by SIGKILL from outside: by the kernel for want of memory, or by a person';
  if (signal !== null && NATIVE_FAULTS.has(signal)) return `native code broke the process (${signal})`;
  if (signal !== null) return `ended by signal ${signal}`;
  return `exited with code ${code}`;
}

function hostErrorText(error: Error): string {
  const { name, message, code } = toErrorRecord(error);
  if (code === 'ERR_WORKER_OUT_OF_MEMORY')
    return 'the JavaScript heap of the thread overflowed (out of memory)';
  return `${name}: ${message}`;
}

const LAST_WORDS_IN_ERROR = 1_000;

/**
 * The error of the job that took its worker down. `own`: the stack of what its code threw where nothing could catch it;
 * `hungAt`: where it was when the worker was killed because it hung.
 */
export function crashError(
  cause: ExitCause,
  lastWords: string,
  { own, hungAt }: { readonly own?: string | undefined; readonly hungAt?: string | undefined } = {},
): ErrorRecord {
  const words = lastWords === '' ? '' : `; its last words: ${lastWords.slice(-LAST_WORDS_IN_ERROR)}`;
  const message = `the worker of this job ended: ${cause.text}${words}`;
  const error = { name: 'ForkloopError', code: 'ERR_WORKER_CRASHED', message };
  if (hungAt !== undefined) return { ...error, stack: stackText(error.name, message, hungAt) };
  return own === undefined ? error : { ...error, stack: own };
}
