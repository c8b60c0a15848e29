import type { ChildProcess } from 'node:child_process';
import cluster, { type Worker } from 'node:cluster';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../lib/clock.ts';
import { ENTRY_ARGUMENTS, WORKER_ENTRY } from './entry.ts';
import { GuardLine } from './guard-line.ts';
import {
  type ExitInfo,
  NO_CHANNEL,
  type WorkerBoot,
  type WorkerChannel,
  type WorkerHost,
  type WorkerListener,
} from './host.ts';
import { LineSplitter } from './lines.ts';
import { forkAsGroupLeader, killGroup } from './process-group.ts';
import { BOOT_VARIABLE, GUARD_PIPE, openEnvelope, type ToWorker } from './protocol.ts';
import type { StackSample } from './stack.ts';
import { packToWorker } from './wire.ts';

export interface ClusterHostOptions {
  /** `process` where the child runs a whole async pool. */
  readonly type?: 'cluster' | 'process';
  /** All that the child sees of the environment: see `workerEnv`. */
  readonly env: Readonly<Record<string, string>>;
  /** Further arguments for Node. */
  readonly execArgv?: readonly string[];
  /** The largest JavaScript heap; beyond it V8 ends the process and says so. */
  readonly maxOldSpaceMb?: number;
  readonly clock: Clock;
}

/** After the process has ended: the longest wait for the rest of its output (a grandchild may hold the pipe open). */
const OUTPUT_GRACE_MS = 200;

/** Workers are child processes forked by `node:cluster`. */
export class ClusterHost implements WorkerHost {
  readonly type: 'cluster' | 'process';
  readonly #options: ClusterHostOptions;

  constructor(options: ClusterHostOptions) {
    this.type = options.type ?? 'cluster';
    this.#options = options;
  }

  spawn(boot: WorkerBoot, listener: WorkerListener): WorkerChannel {
    try {
      const worker = forkAsGroupLeader((before) => this.#fork(boot, before));
      return new ClusterChannel(worker, listener, this.#options.clock);
    } catch (error) {
      return failedStart(listener, error as Error);
    }
  }

  #fork(boot: WorkerBoot, before: readonly string[]): Worker {
    const { env, execArgv = [], maxOldSpaceMb } = this.#options;
    // It merges into what an earlier call has set, so every key is given each time.
    cluster.setupPrimary({
      exec: WORKER_ENTRY,
      args: [],
      execArgv: [
        ...before,
        ...ENTRY_ARGUMENTS,
        ...(maxOldSpaceMb === undefined ? [] : [`--max-old-space-size=${maxOldSpaceMb}`]),
        ...execArgv,
      ],
      serialization: 'json',
      silent: true,
      // The last one is GUARD_PIPE.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'pipe'],
      windowsHide: true,
    });
    // cluster adds these to the master's own environment; undefined takes a variable away.
    const hidden = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
    return cluster.fork({ ...hidden, ...env, [BOOT_VARIABLE]: JSON.stringify(boot) });
  }
}

class ClusterChannel implements WorkerChannel {
  readonly pid: number | undefined;
  readonly #worker: Worker;
  readonly #child: ChildProcess;
  readonly #listener: WorkerListener;
  readonly #stdout: LineSplitter;
  readonly #stderr: LineSplitter;
  readonly #guard: GuardLine | null;
  #state: 'running' | 'ending' | 'ended' = 'running';
  /** It was told to exit, with nothing inside. */
  #dismissed = false;

  constructor(worker: Worker, listener: WorkerListener, clock: Clock) {
    this.#worker = worker;
    this.#child = worker.process;
    this.#listener = listener;
    this.pid = worker.process.pid;
    this.#stdout = new LineSplitter((line, token) => listener.output('stdout', line, token));
    this.#stderr = new LineSplitter((line, token) => listener.output('stderr', line, token));
    const pipe = worker.process.stdio?.[GUARD_PIPE] as Duplex | null | undefined;
    this.#guard = pipe == null ? null : new GuardLine(pipe, clock);
    this.#listen(clock);
  }

  send(message: ToWorker): void {
    if (this.#state !== 'running' || !this.#child.connected) return;
    if (message.type === 'exit') this.#dismissed = true;
    // What does not arrive is told by `exit`; the callback only keeps the error from being thrown.
    this.#child.send(packToWorker(message), () => {});
  }

  kill(): void {
    if (this.#state === 'running' && this.pid !== undefined) {
      killGroup(this.pid, () => this.#child.kill('SIGKILL'));
    }
  }

  stack(ms: number): Promise<StackSample | null> {
    if (this.#state !== 'running' || this.#guard === null) return Promise.resolve(null);
    return this.#guard.stack(ms);
  }

  #listen(clock: Clock): void {
    const child = this.#child;
    child.stdout?.on('data', (chunk: Buffer) => this.#stdout.write(chunk));
    child.stderr?.on('data', (chunk: Buffer) => this.#stderr.write(chunk));
    child.on('message', (envelope) => {
      const message = openEnvelope(envelope);
      if (this.#state !== 'ended' && message !== null) this.#listener.message(message);
    });
    // A fork that failed (EAGAIN, EMFILE) and a write to a dead peer come here, the latter before `exit`.
    this.#worker.on('error', (error) => {
      if (child.pid === undefined) this.#end({ code: null, signal: null, lastWords: '', error });
    });
    child.on('exit', (code, signal) => {
      if (this.#state !== 'running') return;
      this.#state = 'ending';
      // What its job has started would run on beside the next attempt.
      if (!this.#dismissed && this.pid !== undefined) killGroup(this.pid, () => {});
      const end = () => {
        timer.cancel();
        this.#stdout.end();
        this.#stderr.end();
        this.#end({ code, signal, lastWords: this.#stderr.lastWords });
      };
      const timer = clock.setTimer(OUTPUT_GRACE_MS, end);
      // Output and messages that were on their way when it died come before its exit.
      let awaited = child.connected ? 2 : 1;
      const arrived = () => {
        awaited -= 1;
        if (awaited === 0) end();
      };
      child.once('close', arrived);
      if (child.connected) child.once('disconnect', arrived);
    });
  }

  #end(info: ExitInfo): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    // Whoever has inherited them keeps them open.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    this.#listener.exit(info);
  }
}

/** The exit comes later, as that of any worker: the caller has no channel yet. */
function failedStart(listener: WorkerListener, error: Error): WorkerChannel {
  setImmediate(() => listener.exit({ code: null, signal: null, lastWords: '', error }));
  return NO_CHANNEL;
}
