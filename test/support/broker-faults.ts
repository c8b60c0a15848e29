/** What can be wrong with a Redis that runs or should run, each produced on a real server and mended again. */

import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { newId } from '../../src/lib/ids.ts';
import { plainClient } from './redis-broker.ts';
import { freePort, type RedisServer, startRedis } from './redis-server.ts';
import type { TcpGate } from './tcp-gate.ts';
import { until } from './until.ts';

export interface FaultyRedis {
  readonly server: RedisServer;
  readonly gate: TcpGate;
  /** Where the daemons read the password. */
  readonly passwordFile: string;
}

export interface BrokerFault {
  readonly name: string;
  /** What an enqueue may be told meanwhile. */
  readonly enqueue: readonly ('refused' | 'unknown' | 'fatal')[];
  /** The error replies that show that the server was in this state. */
  readonly replies?: string;
  /** It is over as soon as it has begun: nothing has to be mended but the connections. */
  readonly brief?: boolean;
  /** What takes time and harms nobody yet. */
  prepare?(redis: FaultyRedis): Promise<void>;
  /** Resolves when it is in force, with what mends it; that resolves when the server serves again. */
  begin(redis: FaultyRedis): Promise<() => Promise<void>>;
}

const FILLERS = 2_500;

export const startFaultyRedis = (): Promise<RedisServer> =>
  startRedis({
    persistence: 'aof',
    // Loading a key takes a millisecond, and others are heard in between.
    args: ['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'],
  });

export const BROKER_FAULTS: readonly BrokerFault[] = [
  {
    name: 'is killed and started again',
    enqueue: ['refused', 'unknown'],
    begin: async ({ server }) => {
      await server.kill();
      return () => server.restart();
    },
  },
  {
    name: 'stands still',
    enqueue: ['unknown', 'refused'],
    begin: async ({ server }) => {
      process.kill(server.pid, 'SIGSTOP');
      return async () => void process.kill(server.pid, 'SIGCONT');
    },
  },
  {
    name: 'is behind connections that are half open',
    enqueue: ['unknown', 'refused'],
    brief: true,
    begin: async ({ gate }) => {
      gate.silence();
      return async () => {};
    },
  },
  {
    name: 'cannot save and refuses writes (MISCONF)',
    enqueue: ['refused'],
    replies: 'MISCONF',
    begin: async (redis) => {
      // Its file cannot be put where a directory is, whoever it runs as.
      const obstacle = join(redis.server.folder, 'dump.rdb');
      mkdirSync(obstacle);
      await administer(redis, async (send) => {
        await send('CONFIG', 'SET', 'save', '3600 1000000');
        await send('BGSAVE');
        await until(async () => (await send('INFO', 'persistence')).includes('rdb_last_bgsave_status:err'));
      });
      return () =>
        administer(redis, async (send) => {
          rmdirSync(obstacle);
          await send('BGSAVE');
          await until(async () => (await send('INFO', 'persistence')).includes('rdb_last_bgsave_status:ok'));
          await send('CONFIG', 'SET', 'save', '');
        });
    },
  },
  {
    name: 'lacks replicas (NOREPLICAS)',
    enqueue: ['refused'],
    replies: 'NOREPLICAS',
    begin: async (redis) => {
      await administer(redis, (send) => send('CONFIG', 'SET', 'min-replicas-to-write', '1'));
      return () =>
        administer(redis, async (send) => void (await send('CONFIG', 'SET', 'min-replicas-to-write', '0')));
    },
  },
  {
    name: 'executes a script without an end (BUSY)',
    enqueue: ['refused'],
    replies: 'BUSY',
    begin: async (redis) => {
      const { server } = redis;
      await administer(redis, (send) => send('CONFIG', 'SET', 'busy-reply-threshold', '50'));
      const socket = createConnection({ port: server.port, host: '127.0.0.1' });
      socket.on('error', () => {});
      socket.write('EVAL "while true do end" 0\r\n');
      await until(async () => (await ask(server.port, 'PING')).startsWith('-BUSY'));
      return async () => {
        await ask(server.port, 'SCRIPT KILL');
        await until(async () => (await ask(server.port, 'PING')).startsWith('+PONG'));
        socket.destroy();
      };
    },
  },
  {
    name: 'has become a replica (READONLY)',
    enqueue: ['refused'],
    replies: 'READONLY',
    begin: async (redis) => {
      const nobody = await freePort();
      await administer(redis, (send) => send('REPLICAOF', '127.0.0.1', String(nobody)));
      return () => administer(redis, async (send) => void (await send('REPLICAOF', 'NO', 'ONE')));
    },
  },
  {
    name: 'reads its data (LOADING)',
    enqueue: ['refused', 'unknown'],
    replies: 'LOADING',
    prepare: async (redis) => {
      const fillers = Array.from({ length: FILLERS }, (_, i) => [`filler:${i}`, 'x'.repeat(200)]).flat();
      await administer(redis, async (send) => {
        await send('MSET', ...fillers);
        await send('BGREWRITEAOF');
        await until(async () => {
          const info = await send('INFO', 'persistence');
          return info.includes('aof_rewrite_in_progress:0') && info.includes('aof_rewrite_scheduled:0');
        });
      });
    },
    begin: async (redis) => {
      const { server } = redis;
      await server.kill();
      const loaded = server.restart();
      await until(async () => (await ask(server.port, 'PING')).startsWith('-LOADING'));
      return async () => {
        await loaded;
        const keys = Array.from({ length: FILLERS }, (_, i) => `filler:${i}`);
        await administer(redis, (send) => send('UNLINK', ...keys));
      };
    },
  },
  {
    name: 'has another password, until that is told',
    enqueue: ['fatal', 'refused', 'unknown'],
    begin: async (redis) => {
      const password = `changed-${newId()}`;
      await administer(redis, async (send) => {
        await send('CONFIG', 'SET', 'requirepass', password);
        await send('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      });
      return async () => writeFileSync(redis.passwordFile, password);
    },
  },
];

/** Past the gate, with the password that holds. */
export const urlOf = ({ server, passwordFile }: FaultyRedis): string =>
  server.url.replace('//', `//:${readFileSync(passwordFile, 'utf8')}@`);

type Send = (...words: string[]) => Promise<string>;

async function administer<T>(redis: FaultyRedis, body: (send: Send) => Promise<T>): Promise<T> {
  const client = await plainClient(urlOf(redis));
  try {
    return await body(async (...words) => String(await client.sendCommand(words)));
  } finally {
    client.destroy();
  }
}

/** The first answer to one line, on a connection of its own. */
export async function ask(port: number, line: string): Promise<string> {
  const socket = createConnection({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  socket.write(`${line}\r\n`);
  const [data] = await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => ['']);
  socket.destroy();
  return Buffer.isBuffer(data) ? data.toString() : '';
}
