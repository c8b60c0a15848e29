import { createHash } from 'node:crypto';
import type { EpochMs } from '../lib/clock.ts';

/**
 * The id of a tick's job: a UUIDv7 whose time is the tick and whose rest follows from queue, schedule and tick. So a tick
 * is one job, whichever daemon fires it and however often.
 */
export function tickId(queue: string, schedule: string, tick: EpochMs): string {
  const time = tick.toString(16).padStart(12, '0');
  const hash = createHash('sha256').update(`${queue}\n${schedule}\n${tick}`).digest('hex');
  const variant = (8 + (Number.parseInt(hash.slice(3, 4), 16) % 4)).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
}
