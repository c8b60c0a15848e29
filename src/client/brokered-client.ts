import { type BrokerClient, BrokerError } from '../broker/broker.ts';
import { decodeJob } from '../broker/job-record.ts';
import type { Clock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type AnyTask, TASK_NAME } from '../task/define.ts';
import { queueFor } from '../task/router.ts';
import { EnqueueManyError } from './enqueue-many-error.ts';
import { Enqueuer } from './enqueuer.ts';
import { createJobHandle, type JobHandle } from './job-handle.ts';
import { type EnqueueOptions, encodeInput, newJob } from './new-job.ts';
import { ResultWatcher } from './result-watcher.ts';
import type { ClientSettings } from './settings.ts';

/** The client's work, once configuration and broker are at hand. */
export class BrokeredClient {
  readonly #broker: BrokerClient;
  readonly #settings: ClientSettings;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #enqueuers = new Map<string, Enqueuer>();
  readonly #watchers = new Map<string, ResultWatcher>();
  readonly #underWay = new Set<Promise<unknown>>();
  #state: 'open' | 'closed' = 'open';

  constructor(broker: BrokerClient, settings: ClientSettings, timeoutMs: number, clock: Clock) {
    this.#broker = broker;
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  /** `deadline`: on the monotonic clock; without it the job has the time-out from when it is sent on. */
  async enqueue(
    task: AnyTask | string,
    input?: unknown,
    options: EnqueueOptions = {},
    deadline?: number,
  ): Promise<JobHandle<never>> {
    const json = await this.#encode(task, input);
    const queue = this.#queueOf(task, options);
    return (await this.#store(nameOf(task), queue, json, options, deadline)) as JobHandle<never>;
  }

  async enqueueMany(
    task: AnyTask | string,
    inputs: readonly unknown[],
    options: EnqueueOptions = {},
  ): Promise<JobHandle<never>[]> {
    const queue = this.#queueOf(task, options);
    const jsons: string[] = [];
    for (const input of inputs) jsons.push(await this.#encode(task, input));
    const ends = await Promise.allSettled(
      jsons.map((json) => this.#store(nameOf(task), queue, json, options)),
    );
    const handles = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed === undefined) return handles as JobHandle<never>[];
    throw failed.reason instanceof BrokerError
      ? new EnqueueManyError(handles, inputs.length, failed.reason)
      : failed.reason;
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await Promise.allSettled(this.#underWay);
    for (const watcher of this.#watchers.values()) watcher.close();
    await this.#broker.close();
  }

  #encode(task: AnyTask | string, input: unknown): Promise<string> {
    return encodeInput(
      nameOf(task),
      typeof task === 'string' ? null : task,
      input,
      this.#settings.maxPayloadBytes,
    );
  }

  #queueOf(task: AnyTask | string, options: EnqueueOptions): string {
    const { router, queues } = this.#settings;
    const queue = queueFor(router, typeof task === 'string' ? { name: task } : task.manifest, options.queue);
    if (queues === null || queues.has(queue)) return queue;
    throw new ForkloopError(
      'ERR_QUEUE_UNKNOWN',
      `task ${nameOf(task)} goes to the queue "${queue}", which no pool serves (served: ${[...queues].join(', ')}): add it to a pool or route the task elsewhere`,
    );
  }

  async #store(
    task: string,
    queue: string,
    input: string,
    options: EnqueueOptions,
    deadline?: number,
  ): Promise<JobHandle> {
    if (this.#state === 'closed') throw new ForkloopError('ERR_CLIENT_CLOSED', 'the client is closed');
    const stored = this.#storeOpen(task, queue, input, options, deadline);
    this.#underWay.add(stored);
    try {
      return await stored;
    } finally {
      this.#underWay.delete(stored);
    }
  }

  async #storeOpen(
    task: string,
    queue: string,
    input: string,
    options: EnqueueOptions,
    deadline?: number,
  ): Promise<JobHandle> {
    const enqueuer = this.#enqueuer(queue);
    const id = newId();
    const { job, resultKept } = newJob(task, input, options, {
      id,
      priority: this.#settings.priority(queue),
      resultTtlMs: this.#settings.resultTtlMs(queue),
      brokerNow: enqueuer.brokerNow(),
      now: this.#clock.now(),
    });
    const existing = await enqueuer.add(job, deadline);
    return createJobHandle({
      id: existing ?? id,
      queue,
      existing: existing !== null,
      resultKept: existing === null ? resultKept : await this.#keepsResult(queue, existing),
      broker: this.#broker,
      watcher: this.#watcher(queue),
      clock: this.#clock,
    });
  }

  /** Of a job that somebody else enqueued. One that has just ended keeps its result if there is one. */
  async #keepsResult(queue: string, id: string): Promise<boolean> {
    const stored = await this.#broker.find(queue, id);
    if (stored !== null) return decodeJob(stored.record).keepResult;
    const [result] = await this.#broker.results(queue, [id]);
    return result !== null && result !== undefined;
  }

  #enqueuer(queue: string): Enqueuer {
    const known = this.#enqueuers.get(queue);
    if (known !== undefined) return known;
    const made = new Enqueuer({
      queue,
      broker: this.#broker,
      timeoutMs: this.#timeoutMs,
      clock: this.#clock,
      random: Math.random,
      newId,
    });
    this.#enqueuers.set(queue, made);
    return made;
  }

  #watcher(queue: string): ResultWatcher {
    const known = this.#watchers.get(queue);
    if (known !== undefined) return known;
    const made = new ResultWatcher(this.#broker, queue, this.#clock);
    this.#watchers.set(queue, made);
    return made;
  }
}

const nameOf = (task: AnyTask | string): string => {
  const name = typeof task === 'string' ? task : task.name;
  if (!TASK_NAME.test(name))
    throw new ForkloopError(
      'ERR_TASK_INVALID',
      `${JSON.stringify(name)} is no task name: write letters, digits and . _ - :`,
    );
  return name;
};
