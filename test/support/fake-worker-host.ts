import type {
  ExitInfo,
  WorkerBoot,
  WorkerChannel,
  WorkerHost,
  WorkerListener,
} from '../../src/pool/host/host.ts';
import type { FromWorker, ToWorker } from '../../src/pool/host/protocol.ts';
import type { StackSample } from '../../src/pool/host/stack.ts';
import { StartBoard, StartNotes } from '../../src/pool/host/start-board.ts';
import type { AttemptSpec } from '../../src/task/run.ts';
import type { FakeClock } from './fake-clock.ts';

const TASK = { name: 'task', validated: false };

/** A worker that does only what a test tells it. */
export class FakeWorker implements WorkerChannel {
  readonly pid: number;
  readonly boot: WorkerBoot;
  readonly heard: ToWorker[] = [];
  /** What it was given and has not ended, as a real worker knows it. */
  readonly has = new Map<string, AttemptSpec>();
  state: 'alive' | 'killed' | 'exited' = 'alive';
  readonly starts?: StartBoard;
  readonly #notes: StartNotes | null = null;
  readonly #places = new Map<string, number>();
  readonly #clock: FakeClock | null;
  readonly #listener: WorkerListener;

  constructor(pid: number, boot: WorkerBoot, listener: WorkerListener, clock: FakeClock | null) {
    this.pid = pid;
    this.boot = boot;
    this.#listener = listener;
    this.#clock = clock;
    if (clock === null) return;
    this.starts = new StartBoard(boot.concurrency, clock, () => 0);
    this.#notes = new StartNotes(this.starts.memory, clock, () => 0);
  }

  send(message: ToWorker): void {
    if (this.state !== 'alive') return;
    this.heard.push(message);
    if (message.type !== 'run') return;
    for (const one of message.deliveries) {
      this.has.set(one.token, one);
      this.#places.set(one.token, this.#notes?.next() ?? 0);
    }
  }

  kill(): void {
    if (this.state === 'alive') this.state = 'killed';
  }

  /** What the worker's code is doing, for whoever asks. */
  sample: StackSample | null = null;

  async stack(): Promise<StackSample | null> {
    return this.sample;
  }

  ready(): void {
    this.say({ type: 'ready', tasks: [TASK], generation: this.boot.generation });
  }

  say(message: FromWorker): void {
    if (this.state !== 'exited') this.#listener.message(message);
  }

  start(...tokens: string[]): void {
    this.say({ type: 'started', tokens });
  }

  /** Begins it as a worker does that has a board. */
  note(token: string): void {
    this.#notes?.note(this.#places.get(token) ?? 0, this.#clock?.monotonic() ?? 0);
  }

  end(...tokens: string[]): void {
    for (const token of tokens) this.has.delete(token);
    this.say({ type: 'ended', ended: tokens.map((token) => ({ token, outcome: { type: 'completed' } })) });
  }

  exit(info: Partial<ExitInfo> = {}): void {
    if (this.state === 'exited') return;
    const signal = this.state === 'killed' ? 'SIGKILL' : null;
    this.state = 'exited';
    this.#listener.exit({ code: signal === null ? 1 : null, signal, lastWords: '', ...info });
  }

  told(type: ToWorker['type']): boolean {
    return this.heard.some((message) => message.type === type);
  }
}

export class FakeWorkerHost implements WorkerHost {
  readonly type = 'cluster';
  readonly workers: FakeWorker[] = [];
  /** Its workers have a board of starts on this clock. */
  boardClock: FakeClock | null = null;

  spawn(boot: WorkerBoot, listener: WorkerListener): WorkerChannel {
    const worker = new FakeWorker(1_000 + this.workers.length, boot, listener, this.boardClock);
    this.workers.push(worker);
    return worker;
  }

  get alive(): FakeWorker[] {
    return this.workers.filter(({ state }) => state !== 'exited');
  }

  get last(): FakeWorker {
    const worker = this.workers.at(-1);
    if (worker === undefined) throw new Error('no worker was started');
    return worker;
  }
}
