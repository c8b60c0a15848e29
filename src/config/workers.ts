import { availableParallelism } from 'node:os';
import type { ProcessPoolConfig } from './schema.ts';

/** How many processes a pool of kind process has: `auto` leaves one core to the master, and is at least 1. */
export function workerCount(workers: ProcessPoolConfig['workers'], cores = availableParallelism()): number {
  return workers === 'auto' ? Math.max(1, cores - 1) : workers;
}
