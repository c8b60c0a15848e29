import { lstat } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';
import { type ErrorCode, ForkloopError } from '../lib/errors.ts';
import { connectLines } from '../lib/line-client.ts';
import type { LineConnection } from '../lib/line-connection.ts';
import {
  type ArgumentsOf,
  type CommandName,
  type ControlReply,
  type DataOf,
  REPLY_LIMIT,
} from './protocol.ts';

export interface CallOptions {
  /** From the call to its answer, ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/**
 * Gives the daemon behind this socket one command and answers what it says.
 *
 * @throws ForkloopError ERR_NOT_RUNNING (nobody listens), ERR_NO_ANSWER (not in time, or the connection broke),
 * ERR_SOCKET_UNTRUSTED (the socket is another user's), or the code of the daemon's own refusal.
 */
export async function callDaemon<Name extends CommandName>(
  socketPath: string,
  command: Name,
  given: ArgumentsOf<Name>,
  { timeoutMs, clock }: CallOptions,
): Promise<DataOf<Name>> {
  await checkOwner(socketPath);
  const text = JSON.stringify({ id: 1, command, arguments: given });
  const reply = await ask(socketPath, text, { timeoutMs, clock });
  if (reply.ok) return reply.data as DataOf<Name>;
  throw new ForkloopError(reply.error.code, reply.error.message);
}

/** Whether somebody listens there. Never rejects. */
export async function daemonListens(socketPath: string, options: CallOptions): Promise<boolean> {
  try {
    const connection = await connectLines(
      socketPath,
      { maxLineBytes: REPLY_LIMIT, connectTimeoutMs: options.timeoutMs, clock: options.clock },
      { line: () => {}, closed: () => {} },
    );
    connection.close();
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code !== ('ERR_NOT_RUNNING' satisfies ErrorCode);
  }
}

function ask(socketPath: string, request: string, { timeoutMs, clock }: CallOptions): Promise<ControlReply> {
  return new Promise((resolve, reject) => {
    let connection: LineConnection | undefined;
    const noAnswer = (why: string) => {
      reject(
        new ForkloopError('ERR_NO_ANSWER', `${socketPath}: ${why}; is the daemon stopped or overloaded?`),
      );
    };
    const timer = clock.setTimer(timeoutMs, () => {
      noAnswer(`no answer within ${timeoutMs} ms`);
      connection?.close();
    });
    const listener = {
      line: (text: string) => {
        timer.cancel();
        connection?.close();
        try {
          resolve(JSON.parse(text) as ControlReply);
        } catch {
          noAnswer('the answer is not JSON');
        }
      },
      closed: (error?: Error) => {
        timer.cancel();
        noAnswer(error?.message ?? 'the connection was closed without an answer');
      },
    };
    connectLines(
      socketPath,
      { maxLineBytes: REPLY_LIMIT, connectTimeoutMs: timeoutMs, clock },
      listener,
    ).then(
      (made) => {
        connection = made;
        made.send(request);
      },
      (error) => {
        timer.cancel();
        reject(error);
      },
    );
  });
}

/** A socket that another user made could be anything: what is told to it, and what it answers, is not trusted. */
async function checkOwner(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') {
      throw new ForkloopError(
        'ERR_NO_ANSWER',
        `${socketPath}: not allowed; run as the user that started the daemon, or as root`,
      );
    }
    throw new ForkloopError(
      'ERR_NOT_RUNNING',
      `no daemon runs here: there is no ${socketPath}; "start" starts one`,
    );
  });
  const user = process.getuid?.() ?? 0;
  if (found.uid === 0 || found.uid === user) return;
  throw new ForkloopError(
    'ERR_SOCKET_UNTRUSTED',
    `${socketPath} belongs to user ${found.uid}, neither to root nor to you; run as that user`,
  );
}
