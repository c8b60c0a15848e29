/** Lends the daemon's store to other processes: the half of a broker that a client needs, over a Unix socket. */

import type { Clock } from '../../lib/clock.ts';
import type { LineConnection, LineListener } from '../../lib/line-connection.ts';
import { type LineServer, listenLines } from '../../lib/line-server.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Service } from '../../lib/service.ts';
import type { BrokerClient } from '../broker.ts';
import { BrokerError } from '../broker-error.ts';
import type { StoreError } from './messages.ts';
import { LINE_LIMIT, parseRequest, type SocketReply, type SocketRequest } from './socket-protocol.ts';

export interface SocketServerOptions {
  readonly broker: BrokerClient;
  /** Of the socket; at most 107 bytes. Whoever may open it (mode 0600) may enqueue. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
}

const CONNECTIONS_LIMIT = 512;
/** What one connection may have asked and not yet been answered, in characters; beyond it is not read. */
const UNANSWERED_LIMIT = 16 * 1024 * 1024;

export class SocketServer implements Service {
  readonly #options: SocketServerOptions;
  #server: LineServer | null = null;

  constructor(options: SocketServerOptions) {
    this.#options = options;
  }

  /** @throws ForkloopError ERR_ALREADY_RUNNING, ERR_OPTION_INVALID: see `listenLines`. */
  async start(): Promise<void> {
    const { path, clock } = this.#options;
    const limits = { maxLineBytes: LINE_LIMIT, maxConnections: CONNECTIONS_LIMIT, clock };
    this.#server ??= await listenLines(path, limits, (connection) => this.#serve(connection));
  }

  /** Clients go on being served: what they enqueue is stored for the next daemon. */
  quiet(): void {}

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = null;
  }

  #serve(connection: LineConnection): LineListener {
    let unanswered = 0;
    return {
      line: (text) => {
        unanswered += text.length;
        if (unanswered > UNANSWERED_LIMIT) connection.pause();
        void this.#answer(text).then((reply) => {
          unanswered -= text.length;
          if (unanswered <= UNANSWERED_LIMIT) connection.resume();
          if (reply === null || !connection.send(reply)) connection.close();
        });
      },
      closed: (error) => {
        if (error !== undefined)
          this.#options.log.debug('a client of the store went away', { error: error.message });
      },
    };
  }

  /** Null: not our protocol. Never rejects. */
  async #answer(text: string): Promise<string | null> {
    const request = parseRequest(text);
    if (request === null) return null;
    const { id } = request;
    const reply: SocketReply = await this.#ask(request).then(
      (value) => ({ id, value }),
      (error: unknown) => ({ id, error: asData(error) }),
    );
    return lineOf(reply) ?? JSON.stringify({ id, error: TOO_LARGE } satisfies SocketReply);
  }

  #ask({ verb, queue, argument }: SocketRequest): Promise<unknown> {
    const { broker } = this.#options;
    switch (verb) {
      case 'enqueue':
        return broker.enqueue(queue, argument);
      case 'results':
        return broker.results(queue, argument);
      case 'stats':
        return broker.stats(queue);
      case 'list':
        return broker.list(queue, argument);
      case 'find':
        return broker.find(queue, argument);
      case 'setPaused':
        return broker.setPaused(queue, argument);
      case 'retry':
        return broker.retry(queue, argument);
      case 'delete':
        return broker.delete(queue, argument);
      case 'purge':
        return broker.purge(queue, argument);
    }
  }
}

/** Null when it is longer than a line may be, or than a string can be. */
function lineOf(reply: SocketReply): string | null {
  try {
    const line = JSON.stringify(reply);
    // A character takes three bytes at most.
    return line.length * 3 <= LINE_LIMIT || Buffer.byteLength(line) <= LINE_LIMIT ? line : null;
  } catch {
    return null;
  }
}

const TOO_LARGE: StoreError = {
  disposition: 'refused',
  code: 'ERR_RESULT_TOO_LARGE',
  message: `the answer is longer than ${LINE_LIMIT} bytes; ask for less at once`,
};

function asData(error: unknown): StoreError {
  if (error instanceof BrokerError) {
    return { disposition: error.disposition, code: error.code, message: error.message };
  }
  return { disposition: 'unknown', code: 'ERR_BROKER_UNAVAILABLE', message: String(error) };
}
