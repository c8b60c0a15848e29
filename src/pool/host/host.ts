import type { TaskInput } from '../../task/input-check.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import type { StackSample } from './stack.ts';
import type { BoardMemory, StartBoard } from './start-board.ts';

/** How a worker ended. Exactly one of code and signal is set for a process; a thread has a code. */
export interface ExitInfo {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last 8 KiB of what it wrote to stderr. */
  readonly lastWords: string;
  /** An error of the host itself: the fork failed, the thread broke with an uncaught error. */
  readonly error?: Error;
}

/** Where a worker's events go. After `exit` nothing more comes. */
export interface WorkerListener {
  message(message: FromWorker): void;
  /** A line that the worker printed, without its line end, at most 8 KiB; `token` of the delivery whose code printed it. */
  output(stream: 'stdout' | 'stderr', line: string, token: string | null): void;
  /** Exactly once, also when the worker never started. */
  exit(info: ExitInfo): void;
}

/** The master's end of one worker. */
export interface WorkerChannel {
  /** The process it runs in; for a thread the master's. Undefined when the start failed. */
  readonly pid: number | undefined;
  /** Where it notes which deliveries have begun; without one it tells by messages. */
  readonly starts?: StartBoard;
  /** Nothing may be sent before the worker said `ready`: it could be lost. Never throws; after the end it does nothing. */
  send(message: ToWorker): void;
  /** Ends it at once, whatever it does (SIGKILL; terminate). `exit` follows. Harmless after the end. */
  kill(): void;
  /**
   * Where its JavaScript is, also while it never yields; it runs on afterwards. Null when none runs (it waits, or is inside
   * native code), and when the answer does not come within `ms`. Never rejects.
   */
  stack(ms: number): Promise<StackSample | null>;
}

/** That of a worker that did not start. */
export const NO_CHANNEL: WorkerChannel = {
  pid: undefined,
  send: () => {},
  kill: () => {},
  stack: () => Promise.resolve(null),
};

/** Everything a worker must know before it can listen. Travels by argument or workerData, never as a message. */
export interface WorkerBoot {
  readonly pool: string;
  readonly slot: number;
  readonly generation: number;
  /** Absolute paths of the task modules. */
  readonly modules: readonly string[];
  /** 1 in a process pool. */
  readonly concurrency: number;
  /** A forked worker ends when its parent is no longer this process. */
  readonly masterPid: number;
  /** To be checked against the schemas of their tasks before it is ready. */
  readonly inputs?: readonly TaskInput[];
}

/** What a thread is started with. */
export interface ThreadData {
  readonly boot: WorkerBoot;
  readonly starts: BoardMemory;
}

/** Knows how to start one kind of worker: `cluster-host`, `thread-host`, and a fake for tests. */
export interface WorkerHost {
  readonly type: 'cluster' | 'thread' | 'process';
  /** Never throws: a failed start is an `exit` with `error`. */
  spawn(boot: WorkerBoot, listener: WorkerListener): WorkerChannel;
}
