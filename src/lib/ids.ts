import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';
import { type EpochMs, systemClock } from './clock.ts';

/** Makes ids: UUIDv7, so they sort by the time they were made. Injected where a test needs to know them. */
export type NewId = () => string;

/** Random bytes of one id. */
const WIDTH = 16;
/** Asking the system for the bytes of one id costs more than all the rest of a job's enqueue. */
const IDS_PER_FILL = 256;
/** So that the sequence has room to count up within its millisecond. */
const FIRST_SEQUENCE_MASK = 0x7fff_ffff;

export interface IdSource {
  readonly now: () => EpochMs;
  readonly fill: (bytes: Uint8Array) => void;
}

/** Each id is above the one before it, also within a millisecond and when the clock is set back. */
export function idMaker({ now, fill }: IdSource): NewId {
  const pool = new Uint8Array(WIDTH * IDS_PER_FILL);
  let at = pool.length;
  let [msecs, seq] = [Number.NEGATIVE_INFINITY, 0];
  return () => {
    if (at === pool.length) {
      fill(pool);
      at = 0;
    }
    const random = pool.subarray(at, at + WIDTH);
    at += WIDTH;
    const time = now();
    if (time > msecs) {
      msecs = time;
      seq = new DataView(random.buffer, random.byteOffset).getUint32(6) & FIRST_SEQUENCE_MASK;
    } else {
      seq = (seq + 1) >>> 0;
      if (seq === 0) msecs += 1;
    }
    return v7({ random, msecs, seq });
  };
}

export const newId: NewId = idMaker({ now: systemClock.now, fill: (bytes) => void randomFillSync(bytes) });
