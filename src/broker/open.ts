/** The only file that knows every broker: everyone else knows the contract. */

import { readFile } from 'node:fs/promises';
import { type Clock, systemClock } from '../lib/clock.ts';
import { ForkloopError } from '../lib/errors.ts';
import { type NewId, newId } from '../lib/ids.ts';
import { type Logger, silentLogger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { Service } from '../lib/service.ts';
import type { Broker, BrokerClient } from './broker.ts';
import { EmbeddedBroker } from './embedded/embedded-broker.ts';
import { SocketBroker } from './embedded/socket-broker.ts';
import { SocketServer, type SocketServerOptions } from './embedded/socket-server.ts';
import { LazyBroker } from './lazy-broker.ts';

/** Where the jobs are. */
export type BrokerOptions =
  | {
      readonly type: 'redis';
      /** `redis://host:port/db` or `rediss://`: a server, or any node of a Redis Cluster. */
      readonly url: string;
      readonly password?: string | undefined;
      /** A file that holds the password; read for each connection, so that it can be changed while the daemon runs. */
      readonly passwordFile?: string | undefined;
      /** Keeps the queues of one application apart from those of another on the same server. */
      readonly namespace: string;
    }
  | {
      readonly type: 'embedded';
      /** The store's file: the daemon's. */
      readonly path: string;
      /** The socket by which the daemon lends it: everyone else's. */
      readonly socket: string;
    };

/** What a broker is made with; each has a default for programs that only enqueue. */
export interface BrokerParts {
  /** Within this every call ends, answered or not. Default 2000. */
  readonly callDeadlineMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly newId?: NewId;
  readonly log?: Logger;
}

const CALL_DEADLINE_MS = 2_000;

/** For the daemon: the embedded store is opened here, and by nobody else as long as it lives. */
export function openBroker(options: BrokerOptions & BrokerParts): Broker {
  if (options.type === 'redis') return openRedis(options);
  const { path, callDeadlineMs = CALL_DEADLINE_MS, clock = systemClock } = options;
  return new EmbeddedBroker({ path, callDeadlineMs, clock });
}

/** For everyone else: the embedded store is asked through the daemon that has it. */
export function openBrokerClient(options: BrokerOptions & BrokerParts): BrokerClient {
  if (options.type === 'redis') return openRedis(options);
  const { socket, callDeadlineMs = CALL_DEADLINE_MS, clock = systemClock } = options;
  return new SocketBroker({ path: socket, callDeadlineMs, clock });
}

/** Lends the daemon's embedded store to other processes, from `start` to `stop`. */
export function serveBroker(options: SocketServerOptions): Service {
  return new SocketServer(options);
}

/** `redis` costs 100 ms and 24 MB to import: only when it is used. */
function openRedis(options: Extract<BrokerOptions, { type: 'redis' }> & BrokerParts): Broker {
  return new LazyBroker('redis', async () => {
    const { RedisBroker } = await import('./redis/redis-broker.ts');
    const { url, namespace, callDeadlineMs = CALL_DEADLINE_MS, clock = systemClock } = options;
    const { random = Math.random, log = silentLogger } = options;
    const password = () => passwordOf(options);
    await password();
    return new RedisBroker({
      ...{ url, password, namespace, callDeadlineMs, clock, random, log },
      newId: options.newId ?? newId,
    });
  });
}

async function passwordOf(options: Extract<BrokerOptions, { type: 'redis' }>): Promise<string | undefined> {
  const { password, passwordFile } = options;
  if (passwordFile === undefined) return password;
  try {
    return (await readFile(passwordFile, 'utf8')).trimEnd();
  } catch (error) {
    const reason = (error as Error).message;
    throw new ForkloopError('ERR_BROKER_UNFIT', `the password of the broker cannot be read: ${reason}`, {
      cause: error,
    });
  }
}
