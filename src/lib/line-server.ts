import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { ForkloopError } from './errors.ts';
import {
  checkSocketPath,
  type LineConnection,
  type LineLimits,
  type LineListener,
  lineConnection,
} from './line-connection.ts';

export interface LineServer {
  readonly path: string;
  readonly connections: number;
  /** Takes nothing new, closes every connection, removes the socket file. Resolves when all are closed. */
  close(): Promise<void>;
}

export interface ListenOptions extends LineLimits {
  /** Connections beyond are closed at once. */
  readonly maxConnections: number;
  /** A connection on which nothing was received or sent for so long is closed. Default: never. */
  readonly idleMs?: number;
}

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
  checkSocketPath(path);
  await removeStale(path);
  const open = new Set<LineConnection>();
  let allClosed = () => {};
  const server = createServer((socket) => {
    const { connection, listen } = lineConnection(socket, options, {
      idleMs: options.idleMs,
      pauseWhenFull: true,
    });
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
