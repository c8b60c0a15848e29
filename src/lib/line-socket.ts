/**
 * Newline-delimited text over Unix sockets: UTF-8, a line per message, nothing else. A line is bounded in both
 * directions, a connection that breaks the bound is closed, and neither side buffers without a limit.
 *
 * A server stops reading from a connection whose answers are not read, so a peer that only sends is slowed down, not
 * served from memory. A client always reads, so the two can never wait for each other.
 */

import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Clock, Timer } from './clock.ts';
import { ForkloopError } from './errors.ts';

export interface LineListener {
  /** One line, without its line break; invalid UTF-8 is replaced by U+FFFD. */
  line(text: string): void;
  /** Once, last. `error` when the connection did not end by the wish of either side. */
  closed(error?: Error): void;
}

export interface LineConnection {
  /**
   * Sends one line (no line break within). False: not sent, because the connection is closed or the peer reads too
   * slowly. The first line into an empty buffer is always taken.
   */
  send(text: string): boolean;
  /** What was sent still goes out, for at most a second. Harmless when repeated. */
  close(): void;
  /** From here on not closed for being idle: its peer waits for an answer that takes time. */
  keep(): void;
  /** Reads nothing more until `resume`: the peer is slowed down. */
  pause(): void;
  resume(): void;
  /** Whether the connection keeps the process alive (it does at first). */
  ref(): void;
  unref(): void;
}

export interface LineServer {
  readonly path: string;
  readonly connections: number;
  /** Takes nothing new, closes every connection, removes the socket file. Resolves when all are closed. */
  close(): Promise<void>;
}

export interface LineLimits {
  /** The longest line taken, in bytes without its line break. */
  readonly maxLineBytes: number;
  /** What may wait for a slow peer, in bytes; default: 4 longest lines. */
  readonly maxBufferedBytes?: number;
  readonly clock: Clock;
}

export interface ListenOptions extends LineLimits {
  /** Connections beyond are closed at once. */
  readonly maxConnections: number;
  /** A connection on which nothing was received or sent for so long is closed. Default: never. */
  readonly idleMs?: number;
}

export interface ConnectOptions extends LineLimits {
  readonly connectTimeoutMs: number;
}

/** What fits into `sockaddr_un`, without its closing NUL. */
export const SOCKET_PATH_LIMIT = 107;

const CLOSE_GRACE_MS = 1_000;
const NEWLINE = 0x0a;

/**
 * The socket has mode 0600 from its first moment. A stale socket file is replaced: the caller holds a lock that says
 * that no other owner lives.
 * @throws ForkloopError ERR_OPTION_INVALID (path too long, path taken by another kind of file), ERR_ALREADY_RUNNING
 * (somebody answers there).
 */
export async function listenLines(
  path: string,
  options: ListenOptions,
  onConnection: (connection: LineConnection) => LineListener,
): Promise<LineServer> {
  checkPath(path);
  await removeStale(path);
  const open = new Set<LineConnection>();
  let allClosed = () => {};
  const server = createServer((socket) => {
    const { connection, listen } = wrap(socket, options, { idleMs: options.idleMs, pauseWhenFull: true });
    open.add(connection);
    const listener = onConnection(connection);
    listen({
      line: (text) => listener.line(text),
      closed: (error) => {
        open.delete(connection);
        listener.closed(error);
        if (open.size === 0) allClosed();
      },
    });
  });
  server.maxConnections = options.maxConnections;
  await bind(server, path);
  let closing: Promise<void> | null = null;
  const close = async () => {
    const ended = new Promise<void>((resolve) => {
      if (open.size === 0) resolve();
      allClosed = resolve;
    });
    const unbound = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of open) connection.close();
    await Promise.all([ended, unbound]);
  };
  return {
    path,
    get connections() {
      return open.size;
    },
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/**
 * @throws ForkloopError ERR_NOT_RUNNING when nobody listens there, ERR_NO_ANSWER when the connection is not made in
 * time or not allowed.
 */
export function connectLines(
  path: string,
  options: ConnectOptions,
  listener: LineListener,
): Promise<LineConnection> {
  return new Promise((resolve, reject) => {
    checkPath(path);
    const socket = connect(path);
    const timer = options.clock.setTimer(options.connectTimeoutMs, () => {
      socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
    });
    const failed = (error: Error) => {
      timer.cancel();
      reject(connectError(path, error));
    };
    socket.once('error', failed);
    socket.once('connect', () => {
      timer.cancel();
      socket.off('error', failed);
      const { connection, listen } = wrap(socket, options, { pauseWhenFull: false });
      listen(listener);
      resolve(connection);
    });
  });
}

function wrap(
  socket: Socket,
  limits: LineLimits,
  behaviour: { idleMs?: number | undefined; pauseWhenFull: boolean },
): { connection: LineConnection; listen: (listener: LineListener) => void } {
  const { clock } = limits;
  const maxBuffered = limits.maxBufferedBytes ?? 4 * limits.maxLineBytes;
  let state: 'open' | 'closing' | 'closed' = 'open';
  let failure: Error | undefined;
  let touched = clock.monotonic();
  let timer: Timer | null = null;
  const watchIdle = (idleMs: number) => {
    timer = clock.setTimer(Math.max(1, touched + idleMs - clock.monotonic()), () => {
      if (clock.monotonic() - touched < idleMs) return watchIdle(idleMs);
      failure ??= new Error(`nothing was received for ${idleMs} ms`);
      socket.destroy();
    });
  };
  if (behaviour.idleMs !== undefined) watchIdle(behaviour.idleMs);
  const hold = holder(socket);

  const connection: LineConnection = {
    send: (text) => {
      if (state !== 'open' || !socket.writable) return false;
      const waiting = socket.writableLength;
      if (waiting > 0 && waiting + text.length + 1 > maxBuffered) return false;
      touched = clock.monotonic();
      const flowing = socket.write(`${text}\n`);
      if (!flowing && behaviour.pauseWhenFull) hold('peer', true);
      return true;
    },
    close: () => {
      if (state !== 'open') return;
      state = 'closing';
      timer?.cancel();
      timer = clock.setTimer(CLOSE_GRACE_MS, () => socket.destroy());
      socket.resume();
      socket.end();
    },
    keep: () => {
      if (state === 'open') timer?.cancel();
    },
    pause: () => hold('owner', true),
    resume: () => hold('owner', false),
    ref: () => socket.ref(),
    unref: () => socket.unref(),
  };

  const listen = (listener: LineListener) => {
    const take = lineCutter(limits.maxLineBytes, (text) => {
      if (state === 'open') listener.line(text);
    });
    socket.on('data', (chunk: Buffer) => {
      touched = clock.monotonic();
      if (state !== 'open' || take(chunk)) return;
      failure ??= new ForkloopError(
        'ERR_INPUT_TOO_LARGE',
        `a line on a socket is longer than ${limits.maxLineBytes} bytes: the connection was closed`,
      );
      socket.destroy();
    });
    socket.on('drain', () => hold('peer', false));
    socket.on('error', (error) => {
      failure ??= error;
    });
    socket.once('close', () => {
      const asked = state === 'closing';
      state = 'closed';
      timer?.cancel();
      listener.closed(asked ? undefined : failure);
    });
  };
  return { connection, listen };
}

/** Reads from a socket only while nobody holds it. */
function holder(socket: Socket): (who: 'owner' | 'peer', on: boolean) => void {
  const holding = new Set<string>();
  return (who, on) => {
    if (on) holding.add(who);
    else holding.delete(who);
    if (holding.size > 0) socket.pause();
    else socket.resume();
  };
}

/** Cuts a stream of chunks into lines; a line is copied once, however many chunks it came in. False: line too long. */
function lineCutter(maxLineBytes: number, onLine: (text: string) => void): (chunk: Buffer) => boolean {
  let parts: Buffer[] = [];
  let length = 0;
  return (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const last = chunk.subarray(start, end);
      if (length + last.length > maxLineBytes) return false;
      const line = parts.length === 0 ? last : Buffer.concat([...parts, last]);
      parts = [];
      length = 0;
      start = end + 1;
      onLine(line.toString('utf8'));
    }
    const rest = chunk.subarray(start);
    if (rest.length > 0) parts.push(rest);
    length += rest.length;
    return length <= maxLineBytes;
  };
}

function checkPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_LIMIT) {
    throw new ForkloopError(
      'ERR_OPTION_INVALID',
      `${path}: a socket's path has at most ${SOCKET_PATH_LIMIT} bytes, this one has ${bytes}; choose a shorter directory`,
    );
  }
}

/** `bind` happens within the call of `listen`, so the umask holds for nothing else. */
function bind(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      server.on('error', () => {}); // a connection that could not be accepted (EMFILE) is its peer's failure
      resolve();
    });
    const before = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(before);
    }
  });
}

async function removeStale(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket()) {
    throw new ForkloopError(
      'ERR_OPTION_INVALID',
      `${path} exists and is not a socket; remove it or choose another path`,
    );
  }
  if (await answers(path)) {
    throw new ForkloopError('ERR_ALREADY_RUNNING', `${path}: another process answers there; stop it first`);
  }
  await unlink(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

function connectError(path: string, error: NodeJS.ErrnoException): ForkloopError {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new ForkloopError(
        'ERR_NOT_RUNNING',
        `no daemon listens on ${path}; start it, or name the right configuration or socket`,
        { cause: error },
      );
    case 'EACCES':
    case 'EPERM':
      return new ForkloopError(
        'ERR_NO_ANSWER',
        `${path}: not allowed; run as the user that started the daemon, or as root`,
        { cause: error },
      );
    default:
      return new ForkloopError(
        'ERR_NO_ANSWER',
        `${path}: ${error.message}; is the daemon stopped or overloaded?`,
        {
          cause: error,
        },
      );
  }
}
