import { once } from 'node:events';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import type { Child, Workspace } from './workspace.ts';

/** `always`: each answer waits for the disk; `everysec`: the disk follows within a second. */
export type Persistence = 'off' | 'everysec' | 'always';

/** What it has used since it started, microseconds. */
export interface RedisUse {
  /** Of the whole process. */
  readonly cpuUs: number;
  /** Within scripts and transactions: commands that these call are counted once more, each by itself, and left out. */
  readonly scriptUs: number;
}

/** Where jobs are stored: a server, or several as one. */
export interface RedisSite {
  readonly url: string;
  readonly port: number;
  empty(): Promise<void>;
  use(): Promise<RedisUse>;
  /** Bytes. */
  memory(): Promise<number>;
}

/** A redis-server on loopback, of the benchmark's own. */
export class RedisServer implements RedisSite {
  readonly port: number;
  readonly persistence: Persistence;
  readonly admin: Redis;
  readonly #child: Child;
  readonly #workspace: Workspace;

  private constructor(
    workspace: Workspace,
    child: Child,
    port: number,
    persistence: Persistence,
    admin: Redis,
  ) {
    this.#workspace = workspace;
    this.#child = child;
    this.port = port;
    this.persistence = persistence;
    this.admin = admin;
  }

  static async start(
    workspace: Workspace,
    persistence: Persistence = 'off',
    more: readonly string[] = [],
  ): Promise<RedisServer> {
    const port = await freePort();
    const args = [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', workspace.folder('redis')],
      ...['--save', '', '--appendonly', persistence === 'off' ? 'no' : 'yes'],
      ...(persistence === 'off' ? [] : ['--appendfsync', persistence]),
      ...more,
    ];
    const child = workspace.start('redis-server', args);
    const admin = new Redis({
      port,
      host: '127.0.0.1',
      retryStrategy: () => (child.process.exitCode === null ? 20 : null),
      maxRetriesPerRequest: 200,
    });
    admin.on('error', () => {}); // not up yet
    try {
      await admin.ping();
    } catch {
      throw new Error(`redis-server does not start; is it installed? ${child.output().slice(0, 500)}`);
    }
    return new RedisServer(workspace, child, port, persistence, admin);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child.pid;
  }

  async empty(): Promise<void> {
    await this.admin.flushall('SYNC');
  }

  async use(): Promise<RedisUse> {
    const info = await this.admin.info('all');
    const number = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
    const scripts = [...info.matchAll(/^cmdstat_(?:eval|evalsha|fcall|exec):calls=\d+,usec=(\d+)/gm)];
    return {
      cpuUs: (number('used_cpu_sys') + number('used_cpu_user')) * 1e6,
      scriptUs: scripts.reduce((sum, [, usec]) => sum + Number(usec), 0),
    };
  }

  async memory(): Promise<number> {
    return Number(/^used_memory:(\d+)/m.exec(await this.admin.info('memory'))?.[1]);
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await this.#workspace.stop(this.#child, 'SIGKILL');
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  server.close();
  await once(server, 'close');
  return address.port;
}
