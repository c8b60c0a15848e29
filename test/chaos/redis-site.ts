/** A Redis behind the proxy: each daemon and the producer has a door of its own. */

import type { Action, BrokerAction, RuleBook } from './faults.ts';
import type { DumpEvent, Event } from './history.ts';
import { FaultProxy } from './proxy.ts';
import { RealRedis } from './redis.ts';
import { HEARTBEAT_MS, LEASE_MS } from './settings.ts';
import type { Site } from './site.ts';

export interface RedisSiteOptions {
  readonly rules: RuleBook;
  readonly record: (event: Event, t?: number) => void;
  /** A rule of the wire was met whose action is done to processes. */
  readonly act: (action: Action) => void;
}

export class RedisSite implements Site {
  readonly redis: RealRedis;
  readonly entrances: readonly string[];
  readonly #proxy: FaultProxy;

  static async open({ rules, record, act }: RedisSiteOptions): Promise<RedisSite> {
    const redis = await RealRedis.start(record);
    const proxy = new FaultProxy({ redisPort: redis.port, rules, record, act });
    return new RedisSite(redis, proxy, await proxy.open('client'));
  }

  private constructor(redis: RealRedis, proxy: FaultProxy, clientPort: number) {
    this.redis = redis;
    this.#proxy = proxy;
    this.entrances = [`redis://127.0.0.1:${clientPort}`];
  }

  async brokerFor(daemon: string): Promise<Readonly<Record<string, unknown>>> {
    return {
      type: 'redis',
      url: `redis://127.0.0.1:${await this.#proxy.open(daemon)}`,
      lease: `${LEASE_MS}ms`,
      heartbeat: `${HEARTBEAT_MS}ms`,
    };
  }

  async act(action: BrokerAction): Promise<void> {
    const { redis } = this;
    switch (action.do) {
      case 'stop_redis':
        return redis.pause(action.ms);
      case 'kill_redis':
        return redis.kill(action.ms);
      case 'lose_redis':
        return redis.lose(action.ms);
      case 'snapshot':
        return redis.snapshot(this.#proxy.turn);
      case 'rollback':
        return redis.rollback(this.#proxy.turn);
      case 'full':
        return redis.full(action.ms);
      case 'script_flush':
        return redis.flushScripts();
      case 'client_kill':
        return redis.killClients();
    }
  }

  left(): Promise<number> {
    return this.redis.countWaiting();
  }

  dump(): Promise<readonly DumpEvent[]> {
    return this.redis.dump();
  }

  /** The history has all that it was asked. */
  keep(): void {}

  async close(): Promise<void> {
    await this.#proxy.close();
    await this.redis.stop();
  }
}
