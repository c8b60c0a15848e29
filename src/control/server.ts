import type { Clock } from '../lib/clock.ts';
import { isForkloopError } from '../lib/errors.ts';
import type { LineConnection } from '../lib/line-connection.ts';
import { type LineServer, listenLines } from '../lib/line-server.ts';
import type { Logger } from '../lib/logger.ts';
import type { Service } from '../lib/service.ts';
import type { CommandTable } from './commands.ts';
import { type ControlError, type ControlReply, type ControlRequest, REQUEST_LIMIT } from './protocol.ts';

const MAX_CONNECTIONS = 32;
const IDLE_MS = 5_000;

export interface ControlServerOptions {
  readonly path: string;
  readonly commands: CommandTable;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Answers the command line on the daemon's socket. Whatever a peer sends, it gets an error as data or a closed
 * connection; the daemon is not harmed. It answers until it is stopped: `quiet` changes nothing, so that a draining
 * daemon can still be looked at and hurried.
 */
export class ControlServer implements Service {
  readonly #options: ControlServerOptions;
  #server: LineServer | null = null;

  constructor(options: ControlServerOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { path, clock } = this.#options;
    this.#server ??= await listenLines(
      path,
      { maxLineBytes: REQUEST_LIMIT, maxConnections: MAX_CONNECTIONS, idleMs: IDLE_MS, clock },
      (connection) => this.#listen(connection),
    );
  }

  quiet(): void {}

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  #listen(connection: LineConnection) {
    let state: 'free' | 'busy' = 'free';
    return {
      line: (text: string) => {
        if (state === 'busy') return refuse(connection, text, 'one command at a time on one connection');
        state = 'busy';
        // A reload takes as long as jobs run.
        connection.keep();
        void this.#answer(text).then((reply) => {
          state = 'free';
          connection.send(JSON.stringify(reply));
          // Nothing is awaited any more: one that only stays must not take the place of who wants to ask.
          connection.unkeep();
        });
      },
      closed: (error?: Error) => {
        if (error !== undefined)
          this.#options.log.debug('a control connection was closed', { reason: error.message });
      },
    };
  }

  /** Never rejects: what goes wrong is the answer. */
  async #answer(text: string): Promise<ControlReply> {
    const request = parseRequest(text);
    if (request === null)
      return failure(null, invalid('a request is {"id":1,"command":"status","arguments":{}}'));
    const { id, command } = request;
    const run = this.#options.commands.get(command);
    if (run === undefined) {
      const name = JSON.stringify(command.slice(0, 50));
      return failure(
        id,
        invalid(`this daemon knows no command ${name}: it is older than the program that asks; restart it`),
      );
    }
    try {
      return { id, ok: true, data: await run(request.arguments) };
    } catch (error) {
      return failure(id, this.#toControlError(command, error));
    }
  }

  #toControlError(command: string, error: unknown): ControlError {
    if (isForkloopError(error)) return { code: error.code, message: error.message };
    this.#options.log.error('a control command failed', { command, err: error });
    return { code: 'ERR_INTERNAL', message: `${command} failed inside the daemon; its log says why` };
  }
}

/** Null for what is no request. */
export function parseRequest(text: string): ControlRequest | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { id, command, arguments: given } = value as Partial<Record<keyof ControlRequest, unknown>>;
  if (!Number.isSafeInteger(id) || typeof command !== 'string') return null;
  return { id: id as number, command, arguments: given ?? {} };
}

function refuse(connection: LineConnection, text: string, message: string): void {
  connection.send(JSON.stringify(failure(parseRequest(text)?.id ?? null, invalid(message))));
}

const failure = (id: number | null, error: ControlError): ControlReply => ({ id, ok: false, error });

const invalid = (message: string): ControlError => ({ code: 'ERR_COMMAND_INVALID', message });
