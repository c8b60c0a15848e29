import { systemClock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import { parseDuration } from '../lib/units.ts';
import type { AnyTask, Task } from '../task/define.ts';
import type { JsonOf, JsonSafe } from '../task/json-types.ts';
import type { BrokeredClient } from './brokered-client.ts';
import { type ClientOptions, checkClientOptions } from './client-options.ts';
import type { EnqueueOptions } from './enqueue-options.ts';
import type { JobHandle } from './job-handle.ts';

export type { ClientOptions } from './client-options.ts';
export { EnqueueManyError } from './enqueue-many-error.ts';
export type { EnqueueOptions } from './enqueue-options.ts';
export type { JobHandle, JobStatus } from './job-handle.ts';

/** What callers give: nothing for a task that takes nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: asks whether the handler's parameter is void
type InputOf<Input> = [Input] extends [void]
  ? [input?: undefined, options?: EnqueueOptions]
  : [input: JsonSafe<Input>, options?: EnqueueOptions];

/** Hands jobs over. Holds one connection, made at the first use; as many enqueues at once as you like. */
export interface Client extends AsyncDisposable {
  /**
   * Resolves when the job is stored: from then on it ends in exactly one terminal state. Never takes longer than
   * `enqueueTimeout`, also when the broker is away.
   *
   * @throws ForkloopError ERR_OPTION_INVALID (no task, an option that there is not, or a value that cannot be),
   * ERR_TASK_INVALID, ERR_INPUT_INVALID, ERR_INPUT_TOO_LARGE, ERR_QUEUE_UNKNOWN, ERR_CLIENT_CLOSED: nothing was stored.
   * BrokerError ERR_BROKER_UNAVAILABLE, ERR_BROKER_FULL: `disposition` is `unknown` when the job may have been stored, else
   * it was not.
   */
  enqueue(task: string, input?: unknown, options?: EnqueueOptions): Promise<JobHandle>;
  enqueue<Input, Output>(
    task: Task<Input, Output>,
    ...rest: InputOf<Input>
  ): Promise<JobHandle<JsonOf<Output>>>;
  /**
   * One job for each input, stored in batches; the handles in the same order. All inputs are checked before the first is
   * stored. When the broker fails in between, the error's `stored` has the handles of those that were stored for certain.
   */
  enqueueMany(task: string, inputs: readonly unknown[], options?: EnqueueOptions): Promise<JobHandle[]>;
  enqueueMany<Input, Output>(
    task: Task<Input, Output>,
    inputs: readonly JsonSafe<NoInfer<Input>>[],
    options?: EnqueueOptions,
  ): Promise<JobHandle<JsonOf<Output>>[]>;
  /** Waits for enqueues under way (each has its deadline), ends waiting results, disconnects. Harmless when repeated. */
  close(): Promise<void>;
}

/**
 * A client of the broker. It reads the configuration and connects at the first call: a mistake in either is told there.
 * Importing it costs next to nothing, for task modules do it too, in every worker.
 * @throws ForkloopError ERR_OPTION_INVALID: no object, an option that there is not, or a value that cannot be
 */
export function createClient(options: ClientOptions = {}): Client {
  checkClientOptions(options);
  const timeoutMs = parseDuration(options.enqueueTimeout ?? '2s');
  if (timeoutMs === null) {
    throw new ForkloopError(
      'ERR_OPTION_INVALID',
      `enqueueTimeout: ${options.enqueueTimeout} is no duration: write 2s`,
    );
  }
  return new LazyClient(options, timeoutMs);
}

class LazyClient implements Client {
  readonly #options: ClientOptions;
  readonly #timeoutMs: number;
  #opening: Promise<BrokeredClient> | null = null;
  /** Once it is open, and until it is closed. */
  #opened: BrokeredClient | null = null;
  #state: 'open' | 'closed' = 'open';

  constructor(options: ClientOptions, timeoutMs: number) {
    this.#options = options;
    this.#timeoutMs = timeoutMs;
  }

  enqueue(task: AnyTask | string, input?: unknown, options?: EnqueueOptions): Promise<JobHandle<never>> {
    // The first call connects: that is part of its time.
    const deadline = systemClock.monotonic() + this.#timeoutMs;
    const opened = this.#opened;
    if (opened !== null) return opened.enqueue(task, input, options, deadline);
    return this.#open().then((client) => client.enqueue(task, input, options, deadline));
  }

  async enqueueMany(
    task: AnyTask | string,
    inputs: readonly unknown[],
    options?: EnqueueOptions,
  ): Promise<JobHandle<never>[]> {
    return (await this.#open()).enqueueMany(task, inputs, options);
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    this.#opened = null;
    const client = await this.#opening?.catch(() => null);
    await client?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #open(): Promise<BrokeredClient> {
    if (this.#state === 'closed') throw new ForkloopError('ERR_CLIENT_CLOSED', 'the client is closed');
    this.#opening ??= import('./connect.ts').then(({ connect }) =>
      connect(this.#options, this.#timeoutMs, systemClock),
    );
    try {
      const client = await this.#opening;
      if (this.#state === 'open') this.#opened = client;
      return client;
    } catch (error) {
      // The file may be mended, the store become fit: the next call looks again.
      this.#opening = null;
      throw error;
    }
  }
}
