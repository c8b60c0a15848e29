import { join } from 'node:path';
import { type RedisServer, startRedis } from '../support/redis-server.ts';

const SOCKET = 'simulation.sock';
/** Small hashes keep the order of their fields, large ones do not: here all are small, so that a seed has one history. */
const ORDERED_HASHES = ['--hash-max-listpack-value', '1000000', '--hash-max-listpack-entries', '1000000'];

/** A redis-server that only the simulation uses, and its socket. */
export async function redisForSimulation(): Promise<{ server: RedisServer; socket: string }> {
  const server = await startRedis({ args: ['--unixsocket', SOCKET, ...ORDERED_HASHES] });
  return { server, socket: join(server.folder, SOCKET) };
}
