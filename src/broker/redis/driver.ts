/**
 * The Redis driver, without what is never used of it: the package adds the commands of four server modules to its client and
 * makes a method of each of 400 commands. We send plain words; leaving the rest out halves what loading it costs.
 */

import { createRequire } from 'node:module';

type Driver = Pick<typeof import('redis'), 'RedisClient' | 'ErrorReply'>;

/** Loaded when it is first called: it costs 70 ms and 15 MB. */
export function loadDriver(): Driver {
  // Through the package that we depend on: the client that it was made with, wherever that is installed.
  const { resolve } = createRequire(import.meta.url);
  return createRequire(resolve('redis'))('@redis/client') as Driver;
}
