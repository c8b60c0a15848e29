/**
 * The embedded store as another process sees it: through the daemon's socket. Connects at the first call and again at
 * the first call after the connection was lost; keeps the process alive only while a call waits for its answer.
 */

import type { Clock, Timer } from '../../lib/clock.ts';
import { connectLines } from '../../lib/line-client.ts';
import type { LineConnection } from '../../lib/line-connection.ts';
import type { BrokerClient } from '../broker.ts';
import { BrokerError } from '../broker-error.ts';
import type { EnqueueBatch, EnqueueReply } from '../messages/enqueue.ts';
import type {
  DeleteReply,
  DeleteRequest,
  JobTarget,
  ListRequest,
  PauseRequest,
  PurgeReply,
  PurgeRequest,
  QueuePause,
  QueueStats,
  RetryReply,
  StoredJob,
} from '../messages/operator.ts';
import type { Verbs } from './messages.ts';
import { LINE_LIMIT, type SharedVerb, type SocketReply } from './socket-protocol.ts';

export interface SocketBrokerOptions {
  readonly path: string;
  /** From the call to its end, connecting included. */
  readonly callDeadlineMs: number;
  readonly clock: Clock;
}

interface Call {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: BrokerError) => void;
  readonly timer: Timer;
  /** Once sent, nobody knows whether it was done. */
  state: 'waiting' | 'sent';
}

const PENDING_LIMIT = 4_096;

export class SocketBroker implements BrokerClient {
  readonly type = 'embedded';
  readonly #options: SocketBrokerOptions;
  readonly #pending = new Map<number, Call>();
  #state: 'open' | 'closed' = 'open';
  #connection: Promise<LineConnection> | null = null;
  #lastId = 0;
  #up = false;

  constructor(options: SocketBrokerOptions) {
    this.#options = options;
  }

  get up(): boolean {
    return this.#up;
  }

  async start(): Promise<void> {}

  enqueue(queue: string, batch: EnqueueBatch): Promise<EnqueueReply> {
    return this.#call('enqueue', queue, batch);
  }

  results(queue: string, ids: readonly string[]): Promise<readonly (string | null)[]> {
    return this.#call('results', queue, ids);
  }

  stats(queue: string): Promise<QueueStats> {
    return this.#call('stats', queue, null);
  }

  list(queue: string, request: ListRequest): Promise<readonly StoredJob[]> {
    return this.#call('list', queue, request);
  }

  find(queue: string, id: string): Promise<StoredJob | null> {
    return this.#call('find', queue, id);
  }

  setPaused(queue: string, request: PauseRequest): Promise<QueuePause> {
    return this.#call('setPaused', queue, request);
  }

  retry(queue: string, request: JobTarget): Promise<RetryReply> {
    return this.#call('retry', queue, request);
  }

  delete(queue: string, request: DeleteRequest): Promise<DeleteReply> {
    return this.#call('delete', queue, request);
  }

  purge(queue: string, request: PurgeRequest): Promise<PurgeReply> {
    return this.#call('purge', queue, request);
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#up = false;
    const connection = this.#connection;
    for (const id of [...this.#pending.keys()]) this.#reject(id, 'refused', 'the broker is closed');
    (await connection?.catch(() => null))?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #call<V extends SharedVerb>(verb: V, queue: string, argument: Verbs[V][0]): Promise<Verbs[V][1]> {
    if (this.#state === 'closed') return Promise.reject(new BrokerError('refused', 'the broker is closed'));
    if (this.#pending.size >= PENDING_LIMIT) {
      return Promise.reject(
        new BrokerError('refused', `${PENDING_LIMIT} calls wait for the daemon's store already`),
      );
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const { clock, callDeadlineMs } = this.#options;
      const timer = clock.setTimer(callDeadlineMs, () => {
        this.#up = false;
        this.#reject(
          id,
          null,
          `the daemon did not answer within ${callDeadlineMs} ms; is it stopped or overloaded?`,
        );
      });
      this.#pending.set(id, { resolve: resolve as Call['resolve'], reject, timer, state: 'waiting' });
      void this.#send(id, JSON.stringify({ id, verb, queue, argument }));
    });
  }

  /** Never rejects: a failure ends the call. */
  async #send(id: number, line: string): Promise<void> {
    try {
      this.#connection ??= this.#connect();
      const connection = await this.#connection;
      const call = this.#pending.get(id);
      if (call === undefined) {
        if (this.#pending.size === 0) connection.unref(); // it ended while connecting
        return;
      }
      connection.ref();
      if (connection.send(line)) call.state = 'sent';
      else this.#reject(id, 'refused', "the daemon's store does not keep up; try again later");
    } catch (error) {
      this.#up = false;
      this.#reject(id, 'refused', (error as Error).message, error as Error);
    }
  }

  #connect(): Promise<LineConnection> {
    const { path, callDeadlineMs, clock } = this.#options;
    const limits = {
      maxLineBytes: LINE_LIMIT,
      maxBufferedBytes: LINE_LIMIT,
      connectTimeoutMs: callDeadlineMs,
      clock,
    };
    const connecting = connectLines(path, limits, {
      line: (text) => void this.#heard(text, connecting),
      closed: (error) => {
        this.#forget(connecting);
        this.#up = false;
        const reason = `the daemon closed the connection${error === undefined ? '' : `: ${error.message}`}`;
        for (const [id, call] of [...this.#pending])
          if (call.state === 'sent') this.#reject(id, 'unknown', reason);
      },
    });
    connecting.catch(() => this.#forget(connecting));
    return connecting;
  }

  #forget(connection: Promise<LineConnection>): void {
    if (this.#connection === connection) this.#connection = null;
  }

  async #heard(text: string, connecting: Promise<LineConnection>): Promise<void> {
    const reply = parseReply(text);
    const call = reply === null ? undefined : this.#pending.get(reply.id);
    if (reply !== null && call !== undefined) {
      this.#up = true;
      this.#pending.delete(reply.id);
      call.timer.cancel();
      if ('value' in reply) {
        call.resolve(reply.value);
      } else {
        const { disposition, message, code } = reply.error;
        call.reject(new BrokerError(disposition, message, { code }));
      }
    }
    const connection = await connecting;
    if (this.#pending.size === 0) connection.unref();
  }

  /** `disposition` null: by whether it was sent. */
  #reject(id: number, disposition: 'refused' | 'unknown' | null, message: string, cause?: Error): void {
    const call = this.#pending.get(id);
    if (call === undefined) return;
    this.#pending.delete(id);
    call.timer.cancel();
    call.reject(
      new BrokerError(disposition ?? (call.state === 'sent' ? 'unknown' : 'refused'), message, { cause }),
    );
    if (this.#pending.size === 0)
      void this.#connection?.then((connection) => connection.unref()).catch(() => {});
  }
}

/** Null when it is no answer of ours: its call ends at the deadline. */
function parseReply(text: string): SocketReply | null {
  try {
    const reply = JSON.parse(text) as SocketReply | null;
    return typeof reply === 'object' ? reply : null;
  } catch {
    return null;
  }
}
