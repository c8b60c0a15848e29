import type { Contender, Site, System } from '../contenders/contender.ts';
import { Tally } from '../measure/tally.ts';
import { type Persistence, RedisServer } from '../site/redis-server.ts';
import type { Workspace } from '../site/workspace.ts';
import type { Entrant } from './entrants.ts';

export interface Stage {
  readonly system: System;
  readonly tally: Tally;
  readonly redis: RedisServer | null;
}

/** Lets contenders onto the stage one at a time: the same servers, emptied before each. */
export class Arena {
  readonly #workspace: Workspace;
  readonly #servers = new Map<Persistence, RedisServer>();

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
    redis: RedisServer | null,
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

  async close(): Promise<void> {
    for (const server of this.#servers.values()) await server.stop();
  }
}
