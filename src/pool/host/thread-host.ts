import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { Clock } from '../../lib/clock.ts';
import { THREAD_ENTRY } from './entry.ts';
import {
  type ExitInfo,
  NO_CHANNEL,
  type ThreadData,
  type WorkerBoot,
  type WorkerChannel,
  type WorkerHost,
  type WorkerListener,
} from './host.ts';
import { LineSplitter } from './lines.ts';
import { openEnvelope, type ToWorker } from './protocol.ts';
import type { StackSample } from './stack.ts';
import { StartBoard } from './start-board.ts';
import { stackOfThread } from './thread-stack.ts';
import { packToWorker } from './wire.ts';

export interface ThreadHostOptions {
  /** All that the thread sees of the environment: see `workerEnv`. */
  readonly env: Readonly<Record<string, string>>;
  readonly resourceLimits?: ResourceLimits;
  readonly clock: Clock;
}

/** A thread in a native call ends only after it: so long is waited before its place is taken by another. */
const TERMINATE_GRACE_MS = 2_000;
/** How long a loop is watched before it counts as at work, and the share of that time from which it does. */
const WORK_LOOK_MS = 50;
const AT_WORK = 0.9;

/** Workers are threads of this process. */
export class ThreadHost implements WorkerHost {
  readonly type = 'thread';
  readonly #options: ThreadHostOptions;

  constructor(options: ThreadHostOptions) {
    this.#options = options;
  }

  spawn(boot: WorkerBoot, listener: WorkerListener): WorkerChannel {
    const { env, resourceLimits, clock } = this.#options;
    try {
      const { script, eval: isText } = THREAD_ENTRY;
      const starts = new StartBoard(boot.concurrency, clock);
      const thread = new Worker(script, {
        eval: isText,
        name: `forkloop ${boot.pool}/${boot.slot}`,
        workerData: { boot, starts: starts.memory } satisfies ThreadData,
        env: { ...env },
        execArgv: [],
        stdout: true,
        stderr: true,
        ...(resourceLimits === undefined ? {} : { resourceLimits }),
      });
      return new ThreadChannel(thread, starts, listener, clock);
    } catch (error) {
      setImmediate(() => listener.exit({ code: null, signal: null, lastWords: '', error: error as Error }));
      return NO_CHANNEL;
    }
  }
}

class ThreadChannel implements WorkerChannel {
  readonly pid = process.pid;
  readonly starts: StartBoard;
  readonly #thread: Worker;
  readonly #listener: WorkerListener;
  readonly #clock: Clock;
  readonly #stdout: LineSplitter;
  readonly #stderr: LineSplitter;
  #error: Error | null = null;
  #state: 'running' | 'terminating' | 'ended' = 'running';

  constructor(thread: Worker, starts: StartBoard, listener: WorkerListener, clock: Clock) {
    this.starts = starts;
    this.#thread = thread;
    this.#listener = listener;
    this.#clock = clock;
    this.#stdout = new LineSplitter((line, token) => listener.output('stdout', line, token));
    this.#stderr = new LineSplitter((line, token) => listener.output('stderr', line, token));
    thread.stdout.on('data', (chunk: Buffer) => this.#state !== 'ended' && this.#stdout.write(chunk));
    thread.stderr.on('data', (chunk: Buffer) => this.#state !== 'ended' && this.#stderr.write(chunk));
    thread.on('message', (envelope) => {
      const message = openEnvelope(envelope);
      if (this.#state !== 'ended' && message !== null) listener.message(message);
    });
    thread.on('error', (error) => {
      this.#error = error;
    });
    // Output that was on its way when it ended is read in this turn: its exit comes after.
    thread.on('exit', (code) => setImmediate(() => this.#end(code)));
  }

  send(message: ToWorker): void {
    if (this.#state === 'running') this.#thread.postMessage(packToWorker(message));
  }

  kill(): void {
    if (this.#state !== 'running') return;
    this.#state = 'terminating';
    const timer = this.#clock.setTimer(TERMINATE_GRACE_MS, () => this.#end(1));
    void this.#thread.terminate().finally(() => timer.cancel());
  }

  /** Only a loop that is at work is asked to stop: one that rests would do so at its next line, however late that comes. */
  async stack(ms: number): Promise<StackSample | null> {
    const { performance, threadId } = this.#thread;
    const before = performance.eventLoopUtilization();
    await this.#clock.sleep(WORK_LOOK_MS);
    const { utilization } = performance.eventLoopUtilization(before);
    if (this.#state !== 'running' || !(utilization > AT_WORK)) return null;
    return stackOfThread(threadId, ms, this.#clock);
  }

  #end(code: number): void {
    if (this.#state === 'ended') return;
    this.#stdout.end();
    this.#stderr.end();
    this.#state = 'ended';
    const info: ExitInfo = { code, signal: null, lastWords: this.#stderr.lastWords };
    this.#listener.exit(this.#error === null ? info : { ...info, error: this.#error });
  }
}
