import type { Contender, Site, System } from '../contenders/contender.ts';
import { Tally } from '../measure/tally.ts';
import { RedisCluster } from '../site/redis-cluster.ts';
import { type Persistence, RedisServer, type RedisSite } from '../site/redis-server.ts';
import type { Workspace } from '../site/workspace.ts';
import type { Entrant } from './entrants.ts';

/** Of the cluster: as many as the smallest that outlives the loss of one. */
export const MASTERS = 3;

export interface Stage {
  readonly system: System;
  readonly tally: Tally;
  readonly redis: RedisSite | null;
}

/** Lets contenders onto the stage one at a time: the same servers, emptied before each. */
export class Arena {
  readonly #workspace: Workspace;
  readonly #servers = new Map<Persistence, RedisServer>();
  #cluster: RedisCluster | undefined;

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
  }

  /** Runs `act` with the contender's workers up, and ends them whatever happens. */
  async with<T>({ contender, store }: Entrant, act: (stage: Stage) => Promise<T>): Promise<T> {
    const redis = store === 'embedded' ? null : await this.server(store === 'redis' ? 'off' : 'everysec');
    return this.open(contender, redis, act);
  }

  async open<T>(
    contender: Contender,
    redis: RedisSite | null,
    act: (stage: Stage) => Promise<T>,
  ): Promise<T> {
    await redis?.empty();
    const site: Site = { workspace: this.#workspace, redis, probe: this.#workspace.folder('probe') };
    const system = await contender.open(site);
    try {
      return await act({ system, tally: new Tally(site.probe), redis });
    } catch (error) {
      throw new Error(`${contender.name}: ${(error as Error).message}`, { cause: error });
    } finally {
      await system.close();
    }
  }

  async server(persistence: Persistence): Promise<RedisServer> {
    let server = this.#servers.get(persistence);
    if (server === undefined) {
      server = await RedisServer.start(this.#workspace, persistence);
      this.#servers.set(persistence, server);
    }
    return server;
  }

  async cluster(): Promise<RedisCluster> {
    this.#cluster ??= await RedisCluster.start(this.#workspace, MASTERS);
    return this.#cluster;
  }

  async close(): Promise<void> {
    await this.#cluster?.stop();
    for (const server of this.#servers.values()) await server.stop();
  }
}
