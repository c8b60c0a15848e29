/** What the whole run needs once, before files run beside each other: two of them must not install a package at a time. */

import { ensureRedisServer, redisSkipped } from './redis-server.ts';

export function mochaGlobalSetup(): void {
  if (!redisSkipped) ensureRedisServer();
}
