/**
 * Newline-delimited text over Unix sockets: UTF-8, a line per message, nothing else. A line is bounded in both
 * directions, a connection that breaks the bound is closed, and neither side buffers without a limit.
 *
 * A server stops reading from a connection whose answers are not read, so a peer that only sends is slowed down, not
 * served from memory. A client always reads, so the two can never wait for each other.
 */

import type { Socket } from 'node:net';
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
  /** Not closed for being idle until `unkeep`: its peer waits for an answer that takes time. */
  keep(): void;
  /** Its time of being idle begins now. Without a limit for it nothing changes. */
  unkeep(): void;
  /** Reads nothing more until `resume`: the peer is slowed down. */
  pause(): void;
  resume(): void;
  /** Whether the connection keeps the process alive (it does at first). */
  ref(): void;
  unref(): void;
}

export interface LineLimits {
  /** The longest line taken, in bytes without its line break. */
  readonly maxLineBytes: number;
  /** What may wait for a slow peer, in bytes; default: 4 longest lines. */
  readonly maxBufferedBytes?: number;
  readonly clock: Clock;
}

/** What fits into `sockaddr_un`, without its closing NUL. */
export const SOCKET_PATH_LIMIT = 107;

const CLOSE_GRACE_MS = 1_000;
const NEWLINE = 0x0a;

/** `listen` from the same turn on, or lines are missed. */
export function lineConnection(
  socket: Socket,
  limits: LineLimits,
  behaviour: { idleMs?: number | undefined; pauseWhenFull: boolean },
): { connection: LineConnection; listen: (listener: LineListener) => void } {
  const { clock } = limits;
  const maxBuffered = limits.maxBufferedBytes ?? 4 * limits.maxLineBytes;
  let state: 'open' | 'closing' | 'closed' = 'open';
  let failure: Error | undefined;
  let grace: Timer | null = null;
  const idle = idleWatch(clock, behaviour.idleMs, (idleMs) => {
    failure ??= new Error(`nothing was received for ${idleMs} ms`);
    socket.destroy();
  });
  idle.begin();
  const hold = holder(socket);

  const connection: LineConnection = {
    send: (text) => {
      if (state !== 'open' || !socket.writable) return false;
      const waiting = socket.writableLength;
      if (waiting > 0 && waiting + text.length + 1 > maxBuffered) return false;
      idle.touch();
      const flowing = socket.write(`${text}\n`);
      if (!flowing && behaviour.pauseWhenFull) hold('peer', true);
      return true;
    },
    close: () => {
      if (state !== 'open') return;
      state = 'closing';
      idle.end();
      grace = clock.setTimer(CLOSE_GRACE_MS, () => socket.destroy());
      socket.resume();
      socket.end();
    },
    keep: () => idle.end(),
    unkeep: () => {
      if (state === 'open') idle.begin();
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
      idle.touch();
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
      idle.end();
      grace?.cancel();
      listener.closed(asked ? undefined : failure);
    });
  };
  return { connection, listen };
}

/** Calls back when it was not touched for so long since its begin; without a limit never. */
function idleWatch(clock: Clock, idleMs: number | undefined, expired: (idleMs: number) => void) {
  let touched = 0;
  let timer: Timer | null = null;
  const touch = () => {
    touched = clock.monotonic();
  };
  const end = () => timer?.cancel();
  const watch = (limit: number) => {
    timer = clock.setTimer(Math.max(1, touched + limit - clock.monotonic()), () => {
      if (clock.monotonic() - touched < limit) watch(limit);
      else expired(limit);
    });
  };
  const begin = () => {
    end();
    touch();
    if (idleMs !== undefined) watch(idleMs);
  };
  return { touch, begin, end };
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

/** @throws ForkloopError ERR_OPTION_INVALID */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_LIMIT) {
    throw new ForkloopError(
      'ERR_OPTION_INVALID',
      `${path}: a socket's path has at most ${SOCKET_PATH_LIMIT} bytes, this one has ${bytes}; choose a shorter directory`,
    );
  }
}
