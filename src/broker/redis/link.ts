import type { Clock } from '../../lib/clock.ts';
import { loadDriver } from './driver.ts';
import { lostReply, notConnected, overdue, replyError } from './errors.ts';

export type Reply = string | number | null | readonly Reply[];

/** One connection. It is never revived: when it has ended, another is made. */
export interface Link {
  /**
   * Sends one command. @throws BrokerError: an error reply, `unknown` when the reply did not come within `deadlineMs` or
   * the connection ended. An overdue reply ends the connection: what it waits behind would be overdue as well.
   */
  send(verb: string, args: readonly string[], deadlineMs: number): Promise<Reply>;
  /** Resolves when the connection has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends it now; pending commands end `unknown`. Harmless when repeated. */
  destroy(): void;
}

export interface LinkOptions {
  /** `redis://` or `rediss://`, with user and database if any. */
  readonly url: string;
  /** Asked for anew by each connection: it may have been changed while the last one lived. */
  readonly password?: (() => Promise<string | undefined>) | undefined;
  readonly clock: Clock;
  /** How long connecting and logging in may take. */
  readonly connectDeadlineMs: number;
  /** Its abort ends the connection, also while it is being made. */
  readonly signal: AbortSignal;
}

/**
 * Connects and logs in. @throws BrokerError `refused` when there is no connection, `fatal` when the login is wrong.
 * The driver is loaded here, when it is used.
 */
export async function openLink(options: LinkOptions): Promise<Link> {
  const { RedisClient, ErrorReply } = loadDriver();
  const password = await options.password?.().catch((error: unknown) => {
    throw notConnected('connect', error);
  });
  const client = new RedisClient({
    ...(password === undefined ? { url: options.url } : withPassword(options.url, password)),
    RESP: 2,
    name: 'forkloop',
    disableClientInfo: true,
    maintNotifications: 'disabled',
    // What is not sent at once is refused, not kept for later: its sender repeats it.
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout: options.connectDeadlineMs },
    // The driver's own timeout costs a listener and a signal per command and bounds only the wait before writing.
    commandOptions: { timeout: 0 },
  });

  let markEnded!: () => void;
  const ended = new Promise<void>((resolve) => {
    markEnded = resolve;
  });
  const destroy = () => {
    options.signal.removeEventListener('abort', destroy);
    if (client.isOpen) client.destroy();
    markEnded();
  };
  let cause: Error = new Error('the connection was closed');
  // Without a listener an `error` event would end the process. Each one means that the connection is over.
  client.on('error', (error: Error) => {
    cause = error;
    destroy();
  });
  client.on('end', destroy);
  options.signal.addEventListener('abort', destroy);
  if (options.signal.aborted) destroy();

  const failure = (verb: string, error: unknown) =>
    error instanceof ErrorReply ? replyError(verb, error.message, error) : undefined;

  const send = (verb: string, args: readonly string[], deadlineMs: number): Promise<Reply> => {
    if (!client.isReady) return Promise.reject(notConnected(verb, cause));
    const late = () => {
      destroy();
      return overdue(verb, deadlineMs);
    };
    const failed = (error: unknown) => failure(verb, error) ?? lostReply(verb, error);
    return within(options.clock, deadlineMs, client.sendCommand<Reply>(args), late, failed);
  };

  try {
    if (options.signal.aborted) throw new Error('it was closed');
    // The driver leaves `connect` pending when it is destroyed meanwhile.
    const given = ended.then(() => {
      throw cause;
    });
    const connected = Promise.race([client.connect(), given]);
    const late = () => new Error('no answer');
    await within(options.clock, options.connectDeadlineMs, connected, late, (error) => error);
    return { send, ended, destroy };
  } catch (error) {
    destroy();
    throw failure('connect', error) ?? notConnected('connect', error);
  }
}

/** The driver takes the login from the url alone as soon as that names a user: the user is told apart from it. */
function withPassword(url: string, password: string) {
  const bare = new URL(url);
  const username = decodeURIComponent(bare.username);
  bare.username = '';
  bare.password = '';
  return { url: bare.href, password, ...(username === '' ? {} : { username }) };
}

/**
 * What `promise` ends with, its failure as `failed` tells it; or after `ms` what `late` makes, and its later end is then of no
 * interest. All in one, as each command passes here.
 */
function within<T>(
  clock: Clock,
  ms: number,
  promise: Promise<T>,
  late: () => Error,
  failed: (error: unknown) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(ms, () => reject(late()));
    promise.then(
      (value) => {
        timer.cancel();
        resolve(value);
      },
      (error: unknown) => {
        timer.cancel();
        reject(failed(error));
      },
    );
  });
}
