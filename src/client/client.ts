import type { BrokerClient } from '../broker/broker.ts';
import { BrokerError } from '../broker/broker.ts';
import { type BrokerOptions, openBrokerClient } from '../broker/open.ts';
import { findConfig, type LoadedConfig, loadConfig } from '../config/load.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import { newId } from '../lib/ids.ts';
import { type Duration, parseDuration } from '../lib/units.ts';
import { type AnyTask, TASK_NAME, type Task } from '../task/define.ts';
import type { JsonOf, JsonSafe } from '../task/json-types.ts';
import { queueFor } from '../task/router.ts';
import { Enqueuer } from './enqueuer.ts';
import { createJobHandle, type JobHandle } from './job-handle.ts';
import { type EnqueueOptions, encodeInput, newJob } from './new-job.ts';
import { ResultWatcher } from './result-watcher.ts';
import { brokerOptionsOf, type ClientSettings, plainSettings, settingsOf } from './settings.ts';

export type { JobHandle, JobStatus } from './job-handle.ts';
export type { EnqueueOptions } from './new-job.ts';

export interface ClientOptions {
  /** The daemon's configuration file, or what `loadConfig` made of it. Default: found as the daemon finds its own. */
  readonly config?: string | LoadedConfig;
  /** Instead of a configuration: `redis://…`, or the path of a daemon's `broker.sock`. Then there are no routes. */
  readonly broker?: string | BrokerOptions;
  /** With `broker`: the daemon's `namespace`. Default: forkloop. */
  readonly namespace?: string;
  /** How long one enqueue may take before it fails. Default: 2s. */
  readonly enqueueTimeout?: Duration;
}

/** What callers give: nothing for a task that takes nothing. */
type InputOf<Input> = [Input] extends [void]
  ? [input?: undefined, options?: EnqueueOptions]
  : [input: JsonSafe<Input>, options?: EnqueueOptions];

/** Hands jobs over. Holds one connection, made at the first use; as many enqueues at once as you like. */
export interface Client extends AsyncDisposable {
  /**
   * Resolves when the job is stored: from then on it ends in exactly one terminal state. Never takes longer than
   * `enqueueTimeout`, also when the broker is away.
   *
   * @throws ForkloopError ERR_INPUT_INVALID, ERR_INPUT_TOO_LARGE, ERR_OPTION_INVALID, ERR_QUEUE_UNKNOWN, ERR_CLIENT_CLOSED:
   * nothing was stored. BrokerError ERR_BROKER_UNAVAILABLE, ERR_BROKER_FULL: `disposition` is `unknown` when the job may
   * have been stored, else it was not.
   */
  enqueue<Input, Output>(
    task: Task<Input, Output>,
    ...rest: InputOf<Input>
  ): Promise<JobHandle<JsonOf<Output>>>;
  enqueue(task: string, input?: unknown, options?: EnqueueOptions): Promise<JobHandle>;
  /**
   * One job for each input, stored in batches; the handles in the same order. All inputs are checked before the first is
   * stored. When the broker fails in between, the error's `stored` has the handles of those that were stored for certain.
   */
  enqueueMany<Input, Output>(
    task: Task<Input, Output>,
    inputs: readonly JsonSafe<NoInfer<Input>>[],
    options?: EnqueueOptions,
  ): Promise<JobHandle<JsonOf<Output>>[]>;
  enqueueMany(task: string, inputs: readonly unknown[], options?: EnqueueOptions): Promise<JobHandle[]>;
  /** Waits for enqueues under way (each has its deadline), ends waiting results, disconnects. Harmless when repeated. */
  close(): Promise<void>;
}

/** Thrown by `enqueueMany` when only some were stored. */
export class EnqueueManyError extends BrokerError {
  readonly stored: readonly JobHandle[];

  constructor(stored: readonly JobHandle[], total: number, cause: BrokerError) {
    super(cause.disposition, `${stored.length} of ${total} jobs were stored for certain: ${cause.message}`, {
      cause,
      code: cause.code,
    });
    this.name = 'EnqueueManyError';
    this.stored = stored;
  }
}

/**
 * A client of the broker. It connects in the background at the first call.
 * @throws ForkloopError ERR_CONFIG_INVALID, ERR_OPTION_INVALID
 */
export function createClient(options: ClientOptions = {}): Client {
  const timeoutMs = parseDuration(options.enqueueTimeout ?? '2s');
  if (timeoutMs === null)
    throw new ForkloopError(
      'ERR_OPTION_INVALID',
      `enqueueTimeout: ${options.enqueueTimeout} is no duration: write 2s`,
    );
  const { brokerOptions, settings } = sourceOf(options);
  return new BrokeredClient(openBrokerClient(brokerOptions), settings, timeoutMs, systemClock);
}

function sourceOf(options: ClientOptions): { brokerOptions: BrokerOptions; settings: ClientSettings } {
  if (options.broker !== undefined)
    return {
      brokerOptions: namedBroker(options.broker, options.namespace ?? 'forkloop'),
      settings: plainSettings,
    };
  const { config } = options;
  const loaded =
    typeof config === 'object'
      ? config
      : loadConfig({
          path: config ?? findConfig({ env: process.env, cwd: process.cwd() }),
          env: process.env,
        });
  return { brokerOptions: brokerOptionsOf(loaded), settings: settingsOf(loaded) };
}

function namedBroker(broker: string | BrokerOptions, namespace: string): BrokerOptions {
  if (typeof broker === 'object') return broker;
  if (/^rediss?:\/\//.test(broker)) return { type: 'redis', url: broker, namespace };
  return { type: 'embedded', path: '', socket: broker };
}

class BrokeredClient implements Client {
  readonly #broker: BrokerClient;
  readonly #settings: ClientSettings;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #enqueuers = new Map<string, Enqueuer>();
  readonly #watchers = new Map<string, ResultWatcher>();
  readonly #underWay = new Set<Promise<unknown>>();
  #started: Promise<void> | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(broker: BrokerClient, settings: ClientSettings, timeoutMs: number, clock: Clock) {
    this.#broker = broker;
    this.#settings = settings;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
  }

  async enqueue(
    task: AnyTask | string,
    input?: unknown,
    options: EnqueueOptions = {},
  ): Promise<JobHandle<never>> {
    const json = await this.#encode(task, input);
    return (await this.#store(nameOf(task), this.#queueOf(task, options), json, options)) as JobHandle<never>;
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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

  async #store(task: string, queue: string, input: string, options: EnqueueOptions): Promise<JobHandle> {
    if (this.#state === 'closed') throw new ForkloopError('ERR_CLIENT_CLOSED', 'the client is closed');
    const stored = this.#storeOpen(task, queue, input, options);
    this.#underWay.add(stored);
    try {
      return await stored;
    } finally {
      this.#underWay.delete(stored);
    }
  }

  async #storeOpen(task: string, queue: string, input: string, options: EnqueueOptions): Promise<JobHandle> {
    const enqueuer = this.#enqueuer(queue);
    const id = newId();
    const { job, resultKept } = newJob(task, input, options, {
      id,
      priority: this.#settings.priority(queue),
      resultTtlMs: this.#settings.resultTtlMs(queue),
      brokerNow: enqueuer.brokerNow(),
      now: this.#clock.now(),
    });
    this.#started ??= this.#broker.start();
    await this.#started;
    const existing = await enqueuer.add(job);
    return createJobHandle({
      id: existing ?? id,
      queue,
      existing: existing !== null,
      resultKept,
      broker: this.#broker,
      watcher: this.#watcher(queue),
      clock: this.#clock,
    });
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
