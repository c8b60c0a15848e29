import { connect } from 'node:net';
import { ForkloopError } from './errors.ts';
import {
  checkSocketPath,
  type LineConnection,
  type LineLimits,
  type LineListener,
  lineConnection,
} from './line-connection.ts';

export interface ConnectOptions extends LineLimits {
  readonly connectTimeoutMs: number;
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
    checkSocketPath(path);
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
      const { connection, listen } = lineConnection(socket, options, { pauseWhenFull: false });
      listen(listener);
      resolve(connection);
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
