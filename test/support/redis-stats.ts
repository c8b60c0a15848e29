import { createClient } from 'redis';
import type { RedisServer } from './redis-server.ts';

/** How often this server has run a command since its start. */
export async function callCount({ url }: RedisServer, command: string): Promise<number> {
  const client = createClient({ url });
  await client.connect();
  const stats = await client.info('commandstats');
  client.destroy();
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}
