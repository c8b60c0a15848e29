/** The Redis of a run: what can be done to it from outside, and what it holds. */

import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { createClient } from 'redis';
import { plainClient } from '../support/redis-broker.ts';
import { type RedisServer, startRedis } from '../support/redis-server.ts';
import { countWaiting, dumpQueues } from './dump.ts';
import type { DumpEvent, Event } from './history.ts';
import type { Turn } from './proxy.ts';

type Client = ReturnType<typeof createClient>;

export class RealRedis {
  readonly #server: RedisServer;
  readonly #folder: string;
  readonly #record: (event: Event) => void;
  #snapshotTaken = false;
  /** What is done to it, one after the other: what is stopped cannot be killed as well. */
  #doing: Promise<void> = Promise.resolve();

  /**
   * With an append-only file. Synced by the system and not each second: while such a sync is slow, Redis puts off writing, and
   * SIGKILL would lose what it had acknowledged. Without the log of slow commands, which would count as memory.
   */
  static async start(record: (event: Event) => void): Promise<RealRedis> {
    const server = await startRedis({
      persistence: 'aof',
      args: ['--appendfsync', 'no', '--maxmemory-policy', 'noeviction', '--slowlog-log-slower-than', '-1'],
    });
    return withClient(server.url, async (client) => {
      const { dir } = await client.configGet('dir');
      return new RealRedis(server, dir ?? '', record);
    });
  }

  private constructor(server: RedisServer, folder: string, record: (event: Event) => void) {
    this.#server = server;
    this.#folder = folder;
    this.#record = record;
  }

  get port(): number {
    return this.#server.port;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  pause(ms: number): Promise<void> {
    return this.#then(() => this.#pause(ms));
  }

  async #pause(ms: number): Promise<void> {
    const { pid } = this.#server;
    process.kill(pid, 'SIGSTOP');
    await rest(ms);
    process.kill(pid, 'SIGCONT');
  }

  /** What it had acknowledged is there again afterwards. */
  kill(ms: number): Promise<void> {
    return this.#then(() => this.#kill(ms));
  }

  async #kill(ms: number): Promise<void> {
    await this.#server.kill();
    await rest(ms);
    await this.#server.restart();
  }

  lose(ms: number): Promise<void> {
    return this.#then(() => this.#lose(ms));
  }

  async #lose(ms: number): Promise<void> {
    await this.#server.kill();
    this.#record({ kind: 'rollback', to: 'nothing' });
    rmSync(join(this.#folder, 'appendonlydir'), { recursive: true });
    await rest(ms);
    await this.#server.restart();
  }

  /** Between two scripts, so that the history knows what is in it. */
  snapshot(turn: Turn): Promise<void> {
    return this.#then(() => this.#snapshot(turn));
  }

  async #snapshot(turn: Turn): Promise<void> {
    await turn.take(async () => {
      cpSync(join(this.#folder, 'appendonlydir'), join(this.#folder, 'kept'), {
        recursive: true,
        force: true,
      });
      this.#snapshotTaken = true;
      this.#record({ kind: 'snapshot' });
    });
  }

  rollback(turn: Turn): Promise<void> {
    return this.#then(() => this.#rollback(turn));
  }

  async #rollback(turn: Turn): Promise<void> {
    if (!this.#snapshotTaken) return;
    await turn.take(async () => {
      await this.#server.kill();
      this.#record({ kind: 'rollback', to: 'snapshot' });
      rmSync(join(this.#folder, 'appendonlydir'), { recursive: true });
      cpSync(join(this.#folder, 'kept'), join(this.#folder, 'appendonlydir'), { recursive: true });
      await this.#server.restart();
    });
  }

  full(ms: number): Promise<void> {
    return this.#then(() => this.#full(ms));
  }

  async #full(ms: number): Promise<void> {
    await withClient(this.#server.url, (client) => client.configSet('maxmemory', '1mb'));
    await rest(ms);
    await withClient(this.#server.url, (client) => client.configSet('maxmemory', '0'));
  }

  flushScripts(): Promise<void> {
    return this.#then(() => this.#flushScripts());
  }

  async #flushScripts(): Promise<void> {
    await withClient(this.#server.url, (client) => client.scriptFlush());
  }

  /** Ends the connections of all clients. */
  killClients(): Promise<void> {
    return this.#then(() => this.#killClients());
  }

  async #killClients(): Promise<void> {
    await withClient(this.#server.url, (client) =>
      client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']),
    );
  }

  #then(work: () => Promise<void>): Promise<void> {
    const done = this.#doing.then(work);
    this.#doing = done.catch(() => {});
    return done;
  }

  /**
   * Jobs that are waited for (dump.ts). One script, so no job can move past the reader and no turn of the proxy is
   * needed: daemons that waited behind reads of many round trips missed their deadlines on a busy machine.
   */
  countWaiting(): Promise<number> {
    return withClient(this.#server.url, (client) => countWaiting(client as never));
  }

  /** Keys without an end of their own, what they take, and what the server as a whole uses. */
  holdings(): Promise<{ readonly keys: number; readonly keyBytes: number; readonly usedBytes: number }> {
    return withClient(this.#server.url, async (client) => {
      let [keys, keyBytes] = [0, 0];
      for (const key of await client.keys('*')) {
        if ((await client.pTTL(key)) !== -1) continue;
        keys++;
        keyBytes += (await client.memoryUsage(key, { SAMPLES: 0 })) ?? 0;
      }
      const usedBytes = Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1] ?? 0);
      return { keys, keyBytes, usedBytes };
    });
  }

  dump(): Promise<DumpEvent[]> {
    return withClient(this.#server.url, (client) => dumpQueues(client as never));
  }
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = (await plainClient(url)) as unknown as Client;
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
