/** The only file that knows every broker. */

import type { Clock } from '../lib/clock.ts';
import type { NewId } from '../lib/ids.ts';
import type { Logger } from '../lib/logger.ts';
import type { Random } from '../lib/random.ts';
import type { Service } from '../lib/service.ts';
import type { Broker, BrokerClient } from './broker.ts';
import { EmbeddedBroker } from './embedded/embedded-broker.ts';
import { RedisBroker } from './redis/redis-broker.ts';

export type BrokerOptions =
  | { readonly type: 'redis'; readonly url: string; readonly passwordFile?: string | undefined; readonly namespace: string }
  | { readonly type: 'embedded'; readonly path: string; readonly socket: string };

export interface BrokerServices {
  readonly callDeadlineMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly newId: NewId;
  readonly log: Logger;
}

export function openBroker(options: BrokerOptions & BrokerServices): Broker {
  return options.type === 'redis' ? new RedisBroker(options) : new EmbeddedBroker(options);
}

export function openBrokerClient(options: BrokerOptions & Partial<BrokerServices>): BrokerClient {
  throw new Error(`not yet: ${options.type}`);
}

export function serveBroker(_options: { broker: Broker; path: string; clock: Clock; log: Logger }): Service {
  return { start: async () => {}, quiet: () => {}, stop: async () => {} };
}
