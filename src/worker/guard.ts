import { Worker } from 'node:worker_threads';
import {
  FRAME_LIMIT,
  GUARD_PIPE,
  RUN_VARIABLE,
  TOKEN_EXPRESSION,
  TOKEN_SYMBOL,
} from '../pool/host/protocol.ts';
import { currentToken } from '../task/run.ts';
import { GUARD_SCRIPT } from './guard-script.ts';

/** What the guard is given; plain data. */
export interface GuardData {
  readonly master: number;
  /** What the environment of all processes of this run holds; null where they carry no mark. */
  readonly mark: string | null;
  readonly pipe: number;
  readonly frames: number;
  readonly expression: string;
}

/** So long the main thread waits for the guard to end it. */
const END_MS = 1_000;

/**
 * Starts a thread that works while the main thread spins or waits. It ends this process and all that it has started when
 * the master dies: without it a busy worker would run on as an orphan beside the daemon that takes its job over. And it
 * tells the master where the main thread's JavaScript is.
 */
export function startGuard(masterPid: number): void {
  const run = process.env[RUN_VARIABLE];
  const data: GuardData = {
    master: masterPid,
    mark: run === undefined ? null : `${RUN_VARIABLE}=${run}`,
    pipe: GUARD_PIPE,
    frames: FRAME_LIMIT,
    expression: TOKEN_EXPRESSION,
  };
  const guard = new Worker(GUARD_SCRIPT, {
    eval: true,
    workerData: data,
    execArgv: [],
    env: {},
    // The inspector tells of every script, with its source map where it carries one.
    resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  guard.unref();
  // An idle worker would leave by itself, before the guard has ended what its jobs have started.
  process.prependListener('disconnect', () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, END_MS);
  });
}

/** Lets the inspector see whose code runs: what it evaluates there knows only globals. */
export function tellToken(): void {
  Object.defineProperty(globalThis, Symbol.for(TOKEN_SYMBOL), { value: currentToken });
}
