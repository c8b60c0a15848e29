import type {
  Delivery,
  Ended,
  Pool,
  PoolStatus,
  RollReport,
  RunningDelivery,
  WorkerRenewal,
} from '../../src/pool/pool.ts';
import type { TaskManifest } from '../../src/task/define.ts';
import type { Outcome } from '../../src/task/outcome.ts';

/** A pool whose attempts end when and how the test says. */
export class FakePool implements Pool {
  readonly name = 'fake';
  readonly kind = 'async';
  readonly queues: readonly string[];
  readonly tasks = new Map<string, TaskManifest>();
  readonly running = new Map<string, Delivery>();
  /** Every delivery ever given, in order. */
  readonly given: Delivery[] = [];
  readonly aborted: { tokens: readonly string[]; reason: string }[] = [];
  readonly #slots: number;
  #onEnded: (ended: readonly Ended[]) => void = () => {};
  #onFree: () => void = () => {};
  /** Called for each delivery; answers its outcome, or nothing to leave it running. */
  handler: (delivery: Delivery) => Outcome | undefined = () => undefined;
  /** How long each attempt is told to have taken. */
  runMs = 1;
  #ended: Ended[] = [];

  constructor(queues: readonly string[], slots: number, tasks: readonly string[]) {
    this.queues = queues;
    this.#slots = slots;
    for (const name of tasks) this.tasks.set(name, { name, validated: false });
  }

  get free(): number {
    return this.#slots - this.running.size;
  }

  get inFlight(): number {
    return this.running.size;
  }

  has(token: string): boolean {
    return this.running.has(token);
  }

  run(batch: readonly Delivery[]): void {
    for (const delivery of batch) {
      this.given.push(delivery);
      this.running.set(delivery.token, delivery);
      const outcome = this.handler(delivery);
      if (outcome !== undefined) this.end(delivery.token, outcome);
    }
  }

  end(token: string, outcome: Outcome): void {
    const delivery = this.running.get(token);
    if (delivery === undefined) return;
    this.running.delete(token);
    if (this.#ended.length === 0) {
      queueMicrotask(() => {
        const ended = this.#ended;
        this.#ended = [];
        this.#onEnded(ended);
        this.#onFree();
      });
    }
    this.#ended.push({ delivery, outcome, runMs: this.runMs });
  }

  abort(tokens: readonly string[], reason: 'cancel' | 'drain' | 'lease_lost'): void {
    this.aborted.push({ tokens, reason });
    for (const token of tokens) this.end(token, { type: 'interrupted', reason });
  }

  onEnded(listener: (ended: readonly Ended[]) => void): void {
    this.#onEnded = listener;
  }

  onFree(listener: () => void): void {
    this.#onFree = listener;
  }

  scale(): void {}

  async roll(): Promise<RollReport> {
    return { outcome: 'rolled', generation: 2, replaced: 1 };
  }

  async renew(slot: number): Promise<WorkerRenewal> {
    return { slot, pid: null, error: null };
  }

  async stacks() {
    return [];
  }

  status(): PoolStatus {
    return {
      name: this.name,
      kind: 'async',
      host: 'thread',
      state: 'ok',
      queues: this.queues,
      workers: [],
      generation: 1,
      busy: this.running.size,
      concurrency: this.#slots,
    };
  }

  progress() {
    return [];
  }

  deliveries(): readonly RunningDelivery[] {
    const none = { worker: null, pid: null, runMs: null, progress: null };
    return [...this.running.values()].map((delivery) => ({ delivery, ...none }));
  }

  async start(): Promise<void> {}
  quiet(): void {}
  async stop(): Promise<void> {
    for (const token of [...this.running.keys()]) this.end(token, { type: 'interrupted', reason: 'drain' });
  }
}
