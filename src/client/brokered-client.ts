import type { BrokerClient } from '../broker/broker.ts';
import { BrokerError } from '../broker/broker-error.ts';
import { BATCH_LIMIT } from '../broker/messages/batch.ts';
import type { Clock } from '../lib/clock.ts';
import { Condition } from '../lib/condition.ts';
import { ForkloopError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import type { AnyTask } from '../task/define.ts';
import { queueFor } from '../task/router.ts';
import { EnqueueManyError } from './enqueue-many-error.ts';
import { arePlain, type EnqueueOptions } from './enqueue-options.ts';
import { Enqueuer } from './enqueuer.ts';
import { type JobHandle, type JobSource, StoredJob } from './job-handle.ts';
import { encodeInput, type JobMaker, jobMaker } from './new-job.ts';
import { ResultWatcher } from './result-watcher.ts';
import type { ClientSettings } from './settings.ts';
import { taskNameOf } from './task-argument.ts';
import type { EnqueueEnd, Existing } from './waiting-line.ts';

/** Kept for each queue: names of tasks that come from outside shall not fill the memory. */
const MAKERS_LIMIT = 1_000;

/** The client's work, once configuration and broker are at hand. */
export class BrokeredClient {
  readonly #broker: BrokerClient;
  readonly #settings: ClientSettings;
  readonly #timeouts: ClientTimeouts;
  readonly #clock: Clock;
  readonly #enqueuers = new Map<string, Enqueuer>();
  readonly #sources = new Map<string, JobSource>();
  /** By queue and task. */
  readonly #plainMakers = new Map<string, Map<string, JobMaker>>();
  #underWay = 0;
  readonly #changed = new Condition();
  #state: 'open' | 'closed' = 'open';

  constructor(broker: BrokerClient, settings: ClientSettings, timeouts: ClientTimeouts, clock: Clock) {
    this.#broker = broker;
    this.#settings = settings;
    this.#timeouts = timeouts;
    this.#clock = clock;
  }

  /** `deadline`: on the monotonic clock; without it the job has the time-out from when it is sent on. */
  async enqueue(
    task: AnyTask | string,
    input?: unknown,
    options: EnqueueOptions = {},
    deadline?: number,
  ): Promise<JobHandle<never>> {
    const name = taskNameOf(task);
    const plain = arePlain(options);
    const encoded = this.#encode(name, task, input);
    const json = typeof encoded === 'string' ? encoded : await encoded;
    const queue = this.#queueOf(name, task, options);
    this.#begin();
    try {
      const enqueuer = this.#enqueuer(queue);
      let maker = this.#maker(name, queue, options, plain);
      if (options.expires !== undefined) {
        await enqueuer.learnTime(maker.make(newId(), json), deadline);
        maker = this.#maker(name, queue, options, plain);
      }
      const id = newId();
      const existing = await enqueuer.add(maker.make(id, json), deadline);
      return this.#handle(queue, id, existing, maker.resultKept);
    } finally {
      this.#end();
    }
  }

  /** Two batches at a time. After one that failed no further is made. */
  async enqueueMany(
    task: AnyTask | string,
    inputs: readonly unknown[],
    options: EnqueueOptions = {},
  ): Promise<JobHandle<never>[]> {
    const name = taskNameOf(task);
    const plain = arePlain(options);
    if (!Array.isArray(inputs)) throw noInputs();
    const queue = this.#queueOf(name, task, options);
    const jsons: string[] = [];
    for (const input of inputs) {
      const encoded = this.#encode(name, task, input);
      jsons.push(typeof encoded === 'string' ? encoded : await encoded);
    }
    const makerNow = () => this.#maker(name, queue, options, plain);
    this.#begin();
    try {
      const [first] = jsons;
      if (options.expires !== undefined && first !== undefined)
        await this.#enqueuer(queue).learnTime(makerNow().make(newId(), first));
      const batches: Promise<Batch>[] = [];
      let failure: BrokerError | undefined;
      const noteFailure = (batch: Batch) => {
        failure = graver(failure, batch.failure);
        return batch;
      };
      for (let from = 0; from < jsons.length && failure === undefined; from += BATCH_LIMIT) {
        const inputs = jsons.slice(from, from + BATCH_LIMIT);
        batches.push(this.#storeBatch(makerNow(), queue, inputs).then(noteFailure));
        await batches.at(-2);
      }
      const ended = await Promise.all(batches);
      const handles = ended.flatMap((batch) => batch.handles);
      if (failure !== undefined) throw new EnqueueManyError(handles, inputs.length, failure);
      return handles;
    } finally {
      this.#end();
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#changed.until(() => this.#underWay === 0);
    for (const { watcher } of this.#sources.values()) watcher.close();
    await this.#broker.close();
  }

  /** Never rejects: several are under way at once, and of the others nobody would hear. */
  async #storeBatch(maker: JobMaker, queue: string, inputs: readonly string[]): Promise<Batch> {
    const ids = inputs.map(() => newId());
    const jobs = inputs.map((input, index) => maker.make(ids[index] as string, input));
    const ends = await this.#enqueuer(queue).addMany(jobs);
    const handles: JobHandle<never>[] = [];
    let failure: BrokerError | undefined;
    for (let index = 0; index < ends.length; index++) {
      const end = ends[index] as EnqueueEnd;
      if (end instanceof BrokerError) failure = graver(failure, end);
      else handles.push(this.#handle(queue, ids[index] as string, end, maker.resultKept));
    }
    return { handles, failure };
  }

  #begin(): void {
    if (this.#state === 'closed') throw new ForkloopError('ERR_CLIENT_CLOSED', 'the client is closed');
    this.#underWay++;
  }

  #end(): void {
    this.#underWay--;
    this.#changed.notify();
  }

  #encode(name: string, task: AnyTask | string, input: unknown): string | Promise<string> {
    const checked = typeof task === 'string' ? null : task;
    return encodeInput(name, checked, input, this.#settings.maxPayloadBytes);
  }

  #queueOf(name: string, task: AnyTask | string, options: EnqueueOptions): string {
    const { router, queues } = this.#settings;
    const queue = queueFor(router, typeof task === 'string' ? { name } : task.manifest, options.queue);
    if (queues === null || queues.has(queue)) return queue;
    throw new ForkloopError(
      'ERR_QUEUE_UNKNOWN',
      `task ${name} goes to the queue "${queue}", which no pool serves (served: ${[...queues].join(', ')}): add it to a pool or route the task elsewhere`,
    );
  }

  /** One for all plain jobs of a task and queue: it does not depend on when it is made. */
  #maker(task: string, queue: string, options: EnqueueOptions, plain: boolean): JobMaker {
    if (!plain) return this.#makerWith(task, queue, options);
    const known = this.#plainMakers.get(queue)?.get(task);
    if (known !== undefined) return known;
    const made = this.#makerWith(task, queue, options);
    const ofQueue = this.#plainMakers.get(queue) ?? new Map<string, JobMaker>();
    if (ofQueue.size === MAKERS_LIMIT) ofQueue.clear();
    this.#plainMakers.set(queue, ofQueue.set(task, made));
    return made;
  }

  #makerWith(task: string, queue: string, options: EnqueueOptions): JobMaker {
    return jobMaker(task, options, {
      priority: this.#settings.priority(queue),
      resultTtlMs: this.#settings.resultTtlMs(queue),
      brokerNow: this.#enqueuer(queue).brokerNow(),
      now: this.#clock.now(),
    });
  }

  #handle(queue: string, id: string, existing: Existing, resultKept: boolean): JobHandle<never> {
    if (existing === null) return new StoredJob<never>(id, false, resultKept, this.#source(queue));
    return new StoredJob<never>(existing, true, null, this.#source(queue));
  }

  #enqueuer(queue: string): Enqueuer {
    const known = this.#enqueuers.get(queue);
    if (known !== undefined) return known;
    const made = new Enqueuer({
      queue,
      broker: this.#broker,
      ...this.#timeouts,
      clock: this.#clock,
      random: Math.random,
      newId,
    });
    this.#enqueuers.set(queue, made);
    return made;
  }

  #source(queue: string): JobSource {
    const known = this.#sources.get(queue);
    if (known !== undefined) return known;
    const watcher = new ResultWatcher(this.#broker, queue, this.#clock);
    const made = { queue, broker: this.#broker, watcher, clock: this.#clock };
    this.#sources.set(queue, made);
    return made;
  }
}

/** `timeoutMs`: from the call that adds a job to its end. `callDeadlineMs`: the broker's, of one call. */
export interface ClientTimeouts {
  readonly timeoutMs: number;
  readonly callDeadlineMs?: number;
}

/** What became of the jobs of one batch. */
interface Batch {
  readonly handles: readonly JobHandle<never>[];
  readonly failure: BrokerError | undefined;
}

/** Of several failures the one that is told: that a job is perhaps stored must not be lost. */
function graver(one: BrokerError | undefined, other: BrokerError | undefined): BrokerError | undefined {
  if (one === undefined) return other;
  return one.disposition !== 'unknown' && other?.disposition === 'unknown' ? other : one;
}

const noInputs = () =>
  new ForkloopError('ERR_OPTION_INVALID', 'the second argument is no list of inputs: pass an array');
