/**
 * The ways to a service manager that listens for `KEY=value` lines (sd_notify). Node has no datagram sockets of the Unix
 * kind; so either the descriptor of one was handed to this process, or systemd-notify(1) sends for it.
 */

import { execFile } from 'node:child_process';
import { fstatSync, write } from 'node:fs';
import type { LogFields } from '../lib/logger.ts';

/** Assignments of one message: `READY` to `1`, `STATUS` to a text. */
export type Notice = Readonly<Record<string, string>>;

/** One message to the service manager. Rejects when it cannot be sent; how long that takes is bounded. */
export type NotifyChannel = (notice: Notice) => Promise<void>;

export interface ChannelSource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** Tells of what cannot be used. */
  readonly warn: (message: string, fields: LogFields) => void;
}

/** The name under which a unit hands over its descriptor: `OpenFile=/run/systemd/notify:notify`. */
const DESCRIPTOR_NAME = 'notify';
/** The first descriptor that a service manager hands over. */
const FIRST_DESCRIPTOR = 3;
const PROGRAM_TIMEOUT_MS = 5_000;

/** Null: nobody listens. */
export function openNotifyChannel(source: ChannelSource): NotifyChannel | null {
  const { env, warn } = source;
  const descriptor = inheritedDescriptor(source);
  if (descriptor !== null) {
    if (isSocket(descriptor)) return descriptorChannel(descriptor);
    warn('the descriptor for the service manager is no socket, it is not used', { descriptor });
  }
  const socket = env['NOTIFY_SOCKET'] ?? '';
  return socket === '' ? null : programChannel(socket, env['PATH']);
}

/** The number of the inherited descriptor, or null. Those that were meant for another process are not ours. */
export function inheritedDescriptor({ env, pid }: Pick<ChannelSource, 'env' | 'pid'>): number | null {
  const given = env['FORKLOOP_NOTIFY_FD'] ?? '';
  if (/^\d{1,6}$/.test(given)) return Number(given);
  if (Number(env['LISTEN_PID']) !== pid) return null;
  const index = (env['LISTEN_FDNAMES'] ?? '').split(':').indexOf(DESCRIPTOR_NAME);
  return index === -1 || index >= Number(env['LISTEN_FDS']) ? null : FIRST_DESCRIPTOR + index;
}

const isSocket = (descriptor: number): boolean => {
  try {
    return fstatSync(descriptor).isSocket();
  } catch {
    return false;
  }
};

/** One write is one datagram. */
const descriptorChannel =
  (descriptor: number): NotifyChannel =>
  (notice) =>
    new Promise((resolve, reject) => {
      write(descriptor, linesOf(notice).join('\n'), (error) => (error === null ? resolve() : reject(error)));
    });

/** A process for each message: the unit must say `NotifyAccess=all`. */
const programChannel =
  (socket: string, path = '/usr/bin:/bin'): NotifyChannel =>
  (notice) =>
    new Promise((resolve, reject) => {
      const options = { timeout: PROGRAM_TIMEOUT_MS, env: { NOTIFY_SOCKET: socket, PATH: path } };
      execFile('systemd-notify', linesOf(notice), options, (error) =>
        error === null ? resolve() : reject(error),
      );
    });

/** A line break would begin another assignment. */
const linesOf = (notice: Notice): string[] =>
  Object.entries(notice).map(([key, value]) => `${key}=${value.replace(/\s+/g, ' ')}`);
